/**
 * Stacks: as much of CloudFormation as networks need. Resources are made at once, by EC2's own operations; the stack says so a
 * moment later. It takes the template of `postern privatelink template vpc`; moto's is larger and lacks Fn::Cidr.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
 */
import type * as sdk from '@aws-sdk/client-cloudformation';
import { zonesFor } from '../ec2/zones.ts';
import { AwsError } from '../error.ts';
import type { Operations } from '../model/operations.ts';
import type { Call } from '../world/call.ts';
import { dnsSuffix } from '../world/partition.ts';
import { evaluate, holds, referencesIn, type Scope } from './functions.ts';
import { type Made, type Stack, stacks } from './records.ts';
import { ec2As, make } from './resources.ts';
import { asText, invalid, parameterValues, readTemplate, type Template } from './template.ts';

const completeAfterMs = 150;

export const cloudFormationOperations: Operations<typeof sdk> = {
  CreateStack(call, input) {
    const name = input.StackName ?? '';
    if (!/^[A-Za-z][A-Za-z0-9-]{0,127}$/.test(name))
      throw invalid(`Value '${name}' at 'stackName' failed to satisfy constraint`);
    if (find(call, name) !== undefined) throw new AwsError('AlreadyExistsException', `Stack [${name}] already exists`);
    if (input.TemplateBody === undefined) throw invalid('Either Template URL or Template Body must be specified.');
    const template = readTemplate(input.TemplateBody);
    const given = new Map(
      (input.Parameters ?? []).map(({ ParameterKey = '', ParameterValue = '' }) => [ParameterKey, ParameterValue]),
    );
    const parameters = parameterValues(template, given);
    const id = call.arn('cloudformation', `stack/${name}/${call.world.hex(32)}`);
    const stack = stacks.put(call.world, {
      ...call.born(id, tagsOf(input.Tags)),
      name,
      description: template.description,
      template: input.TemplateBody,
      parameters,
      resources: [],
      outputs: [],
      state: 'CREATE_IN_PROGRESS',
    });
    build(call, stack, template);
    return { StackId: id };
  },

  DescribeStacks(call, input) {
    const named = input.StackName;
    const found = named === undefined ? stacks.list(call).filter(isLive) : [needStack(call, named)];
    return { Stacks: found.map((stack) => show(stack)) };
  },

  DescribeStackResources(call, input) {
    const stack = needStack(call, input.StackName);
    return {
      StackResources: stack.resources.map(({ logical, type, physical }) => ({
        StackName: stack.name,
        StackId: stack.id,
        LogicalResourceId: logical,
        PhysicalResourceId: physical,
        ResourceType: type,
        Timestamp: new Date(stack.createdAtMs),
        ResourceStatus: 'CREATE_COMPLETE',
      })),
    };
  },

  GetTemplate: (call, input) => ({
    TemplateBody: needStack(call, input.StackName).template,
    StagesAvailable: ['Original'],
  }),

  ValidateTemplate(_call, input) {
    const { description, parameters } = readTemplate(input.TemplateBody ?? '');
    return {
      Description: description,
      Parameters: Object.entries(parameters).map(([ParameterKey, { Default, Description }]) => ({
        ParameterKey,
        ...(Default === undefined ? {} : { DefaultValue: asText(Default) }),
        ...(Description === undefined ? {} : { Description: asText(Description) }),
        NoEcho: false,
      })),
    };
  },

  DeleteStack(call, input) {
    const stack = find(call, input.StackName ?? '');
    if (stack === undefined) return {};
    stacks.become(call.world, stack, 'DELETE_IN_PROGRESS');
    takeApart(call, stack);
    return {};
  },
};

const isLive = ({ state }: Stack): boolean => state !== 'DELETE_COMPLETE';

/** By name while it lives, by id also after. */
function find(call: Call, nameOrId: string): Stack | undefined {
  return stacks.list(call).find((stack) => stack.id === nameOrId || (stack.name === nameOrId && isLive(stack)));
}

function needStack(call: Call, name: string | undefined): Stack {
  const stack = find(call, name ?? '');
  if (stack === undefined) throw invalid(`Stack with id ${name ?? ''} does not exist`);
  // What goes slowly (a NAT gateway) holds the rest up: each look goes on from where it was.
  if (stack.state === 'DELETE_IN_PROGRESS') takeApart(call, stack);
  return stack;
}

function tagsOf(tags: readonly sdk.Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}

function build(call: Call, stack: Stack, template: Template): void {
  const made = new Map<string, Made>();
  const scope: Scope = {
    template,
    parameters: stack.parameters,
    pseudo: {
      'AWS::Region': call.region,
      'AWS::AccountId': call.account,
      'AWS::Partition': call.partition,
      'AWS::URLSuffix': dnsSuffix(call.region),
      'AWS::StackName': stack.name,
      'AWS::StackId': stack.id,
    },
    zones: zonesFor(call.world, call.account, call.region).map(({ name }) => name),
    ref: (logical) => made.get(logical)?.physical,
    attribute: (logical, name) => made.get(logical)?.attributes[name],
  };
  try {
    for (const logical of inOrder(template, scope)) {
      const { type, properties } = template.resources.get(logical)!;
      const one = make(call, stack, logical, type, evaluate(properties, scope) as Record<string, unknown>);
      made.set(logical, one);
      stack.resources = [...made.values()];
    }
    stack.outputs = outputsOf(template, scope);
    stacks.later(call, stack, 'CREATE_COMPLETE', completeAfterMs);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    stack.reason = error.message;
    takeApart(call, stack);
    stacks.become(call.world, stack, stack.resources.length === 0 ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED');
  }
}

/** What is wanted, each after what it refers to or depends on. */
function inOrder(template: Template, scope: Scope): string[] {
  const wanted = new Set(
    [...template.resources]
      .filter(([, { condition }]) => condition === undefined || holds(condition, scope))
      .map(([name]) => name),
  );
  const order: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (order.includes(name) || !wanted.has(name)) return;
    if (path.includes(name)) throw invalid(`Circular dependency between resources: [${path.join(', ')}]`);
    const { dependsOn, properties } = template.resources.get(name)!;
    for (const other of [...dependsOn, ...referencesIn(properties)]) visit(other, [...path, name]);
    order.push(name);
  };
  for (const name of wanted) visit(name, []);
  return order;
}

function outputsOf(template: Template, scope: Scope): Stack['outputs'] {
  return Object.entries(template.outputs)
    .filter(([, { Condition }]) => Condition === undefined || holds(asText(Condition), scope))
    .map(([key, { Value, Description }]) => ({
      key,
      value: asText(evaluate(Value, scope)),
      description: Description === undefined ? undefined : asText(Description),
    }));
}

/** Takes away what can go now, last made first. */
function takeApart(call: Call, stack: Stack): void {
  const ec2 = ec2As(call);
  const left: Made[] = [];
  for (const one of stack.resources.toReversed())
    try {
      if (one.undo !== undefined) ec2(one.undo.action, one.undo.input);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      if (!/NotFound/.test(error.code)) left.unshift(one);
    }
  stack.resources = left;
  if (left.length === 0 && stack.state === 'DELETE_IN_PROGRESS') stacks.become(call.world, stack, 'DELETE_COMPLETE');
}

function show(stack: Stack): sdk.Stack {
  return {
    StackId: stack.id,
    StackName: stack.name,
    Description: stack.description,
    CreationTime: new Date(stack.createdAtMs),
    StackStatus: stack.state as sdk.StackStatus,
    StackStatusReason: stack.reason,
    DisableRollback: false,
    Parameters: Object.entries(stack.parameters).map(([ParameterKey, ParameterValue]) => ({
      ParameterKey,
      ParameterValue,
    })),
    Outputs:
      stack.state === 'CREATE_COMPLETE'
        ? stack.outputs.map(({ key, value, description }) => ({
            OutputKey: key,
            OutputValue: value,
            Description: description,
          }))
        : [],
    Tags: Object.entries(stack.tags).map(([Key, Value]) => ({ Key, Value })),
    NotificationARNs: [],
    RollbackConfiguration: {},
    DriftInformation: { StackDriftStatus: 'NOT_CHECKED' },
  };
}
