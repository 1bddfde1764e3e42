/** Launch templates and their versions, as node groups name them. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html */
import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { Kind, type Stored } from '../world/kind.ts';
import { page } from '../world/page.ts';
import { filtered } from './filter.ts';
import { tagList, tagsFor } from './tags.ts';

interface LaunchTemplate extends Stored {
  readonly name: string;
  defaultVersion: number;
  versions: { number: number; description?: string; data: sdk.RequestLaunchTemplateData; atMs: number }[];
}

const launchTemplates = new Kind<LaunchTemplate>('launch-template', { tagType: 'launch-template' });

export const launchTemplateOperations: Operations<typeof sdk> = {
  CreateLaunchTemplate(call, input) {
    const name = input.LaunchTemplateName ?? '';
    if (launchTemplates.list(call).some((one) => one.name === name))
      throw new AwsError('InvalidLaunchTemplateName.AlreadyExistsException', `Launch template name already in use.`);
    const template = launchTemplates.put(call.world, {
      ...call.born(call.world.id('lt'), tagsFor(call, 'launch-template', input.TagSpecifications)),
      name,
      defaultVersion: 1,
      versions: [version(call, 1, input.LaunchTemplateData, input.VersionDescription)],
    });
    return { LaunchTemplate: show(call, template) };
  },

  CreateLaunchTemplateVersion(call, input) {
    const template = needTemplate(call, input);
    const number = Math.max(...template.versions.map((one) => one.number)) + 1;
    const made = version(call, number, input.LaunchTemplateData, input.VersionDescription);
    template.versions.push(made);
    return { LaunchTemplateVersion: showVersion(call, template, made) };
  },

  DescribeLaunchTemplates(call, input) {
    const ids = input.LaunchTemplateIds?.map((LaunchTemplateId) => needTemplate(call, { LaunchTemplateId }));
    const names = input.LaunchTemplateNames?.map((LaunchTemplateName) => needTemplate(call, { LaunchTemplateName }));
    const found = filtered(ids ?? names ?? launchTemplates.list(call), input.Filters, {
      'launch-template-name': ({ name }) => name,
    });
    const { items, next } = page(call, found, ({ id }) => id, { max: input.MaxResults, token: input.NextToken });
    return { LaunchTemplates: items.map((template) => show(call, template)), NextToken: next };
  },

  DescribeLaunchTemplateVersions(call, input) {
    const template = needTemplate(call, input);
    const latest = Math.max(...template.versions.map((one) => one.number));
    const numbers = input.Versions?.map((text) =>
      text === '$Latest' ? latest : text === '$Default' ? template.defaultVersion : Number(text),
    );
    const found = template.versions.filter(({ number }) => numbers === undefined || numbers.includes(number));
    if (numbers !== undefined && found.length < new Set(numbers).size)
      throw new AwsError(
        'InvalidLaunchTemplateId.VersionNotFound',
        `Could not find the specified version for the launch template with ID ${template.id}.`,
      );
    return { LaunchTemplateVersions: found.map((one) => showVersion(call, template, one)) };
  },

  ModifyLaunchTemplate(call, input) {
    const template = needTemplate(call, input);
    template.defaultVersion = Number(input.DefaultVersion ?? template.defaultVersion);
    return { LaunchTemplate: show(call, template) };
  },

  DeleteLaunchTemplate(call, input) {
    const template = needTemplate(call, input);
    const shown = show(call, template);
    launchTemplates.remove(call.world, template.id);
    return { LaunchTemplate: shown };
  },
};

function version(
  call: Call,
  number: number,
  data: sdk.RequestLaunchTemplateData | undefined,
  description: string | undefined,
) {
  return { number, data: data ?? {}, atMs: call.now, ...(description === undefined ? {} : { description }) };
}

function needTemplate(
  call: Call,
  input: { LaunchTemplateId?: string | undefined; LaunchTemplateName?: string | undefined },
): LaunchTemplate {
  const found = launchTemplates
    .list(call)
    .find(({ id, name }) =>
      input.LaunchTemplateId === undefined ? name === input.LaunchTemplateName : id === input.LaunchTemplateId,
    );
  if (found !== undefined) return found;
  if (input.LaunchTemplateId === undefined)
    throw new AwsError(
      'InvalidLaunchTemplateName.NotFoundException',
      `The specified launch template, with template name ${input.LaunchTemplateName ?? ''}, does not exist.`,
    );
  throw new AwsError(
    'InvalidLaunchTemplateId.NotFound',
    `The specified launch template, with template ID ${input.LaunchTemplateId}, does not exist.`,
  );
}

function show(call: Call, template: LaunchTemplate): sdk.LaunchTemplate {
  return {
    LaunchTemplateId: template.id,
    LaunchTemplateName: template.name,
    CreateTime: new Date(template.createdAtMs),
    CreatedBy: `arn:${call.partition}:iam::${template.account}:root`,
    DefaultVersionNumber: template.defaultVersion,
    LatestVersionNumber: Math.max(...template.versions.map(({ number }) => number)),
    Tags: tagList(template.tags),
  };
}

function showVersion(
  call: Call,
  template: LaunchTemplate,
  one: LaunchTemplate['versions'][number],
): sdk.LaunchTemplateVersion {
  return {
    LaunchTemplateId: template.id,
    LaunchTemplateName: template.name,
    VersionNumber: one.number,
    VersionDescription: one.description,
    CreateTime: new Date(one.atMs),
    CreatedBy: `arn:${call.partition}:iam::${template.account}:root`,
    DefaultVersion: one.number === template.defaultVersion,
    // Request and response have the same members, but for states of what is being applied.
    LaunchTemplateData: one.data,
  };
}
