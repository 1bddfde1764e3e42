import { PosternError, UsageError } from '@postern/core';
import { targetNamespace } from '../kinds/hive-config.ts';
import { endpointPlumbingCalls } from '../providers/aws/calls.ts';
import { keysFromSecret } from '../providers/aws/credentials.ts';
import { allPages } from '../providers/aws/pages.ts';
import { carryOut, linksIn, type PlumbingOptions, withPlumbing } from './context.ts';
import { isCopy, type SecretText } from './home.ts';
import { hubSecretName, planDisable, planEnable, secretPlace } from './plan/plan-enable.ts';
import type { PlumbingPlan } from './plan/steps.ts';
import type { RunHooks } from './run.ts';
import { secretData } from '@postern/resources';

/** `enable` and `disable`: the HiveConfig's section and the copied credentials. */

interface CommonOptions extends PlumbingOptions {
  readonly dryRun: boolean;
  readonly hooks?: RunHooks & { readonly onPlan?: (plan: PlumbingPlan) => void };
}

export interface EnableOptions extends CommonOptions {
  /** `NS/NAME`. */
  readonly credsSecret: string;
  readonly dnsRecordType: 'Alias' | 'ARecord';
  readonly hiveVpc?: string | undefined;
  readonly region?: string | undefined;
}

export async function enable(options: EnableOptions): Promise<PlumbingPlan> {
  const { home, credsSecret } = options;
  const place = secretPlace(credsSecret);
  const config = await home.config();
  const namespace = targetNamespace(config);
  const secret = await home.secret(place);
  if (secret === undefined)
    throw new UsageError(`--creds-secret: the Secret ${credsSecret} does not exist`, {
      hint: 'make it first, with aws_access_key_id and aws_secret_access_key',
    });
  keysFromSecret(secretData(credsSecret, '', { data: secret.data })); // says what is wrong with it
  const copy = await home.secret({ namespace, name: hubSecretName });
  const plan = planEnable({
    section: config?.awsPrivateLink ?? undefined,
    namespace,
    from: credsSecret,
    copy: copy === undefined ? 'absent' : sameData(copy.data, secret.data) ? 'equal' : 'differs',
    hiveVpc: await hiveVpcOf(options, secret),
    dnsRecordType: options.dnsRecordType,
  });
  return finish(options, plan, secret.data);
}

function sameData(a: SecretText['data'], b: SecretText['data']): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

export async function disable(options: CommonOptions): Promise<PlumbingPlan> {
  const { home } = options;
  const config = await home.config();
  const namespace = targetNamespace(config);
  const copy = await home.secret({ namespace, name: hubSecretName });
  const plan = planDisable({
    section: config?.awsPrivateLink ?? undefined,
    namespace,
    copied: copy !== undefined && isCopy(copy),
    links: await linksIn(home.store),
  });
  return finish(options, plan, undefined);
}

async function finish(
  options: CommonOptions,
  plan: PlumbingPlan,
  secretToCopy: SecretText['data'] | undefined,
): Promise<PlumbingPlan> {
  options.hooks?.onPlan?.(plan);
  if (options.dryRun || plan.steps.length === 0) return plan;
  const never = (): never => {
    throw new PosternError('DEFECT', 'these steps make no call to AWS');
  };
  await withPlumbing(options, ({ patience }) =>
    carryOut(
      plan,
      {
        home: options.home,
        endpoint: never,
        associated: never,
        checkUnused: never,
        ...(secretToCopy === undefined ? {} : { secretToCopy }),
      },
      patience,
      options.hooks,
    ),
  );
  return plan;
}

/** The VPC that Hive itself runs in: as told, or the one that OpenShift's installer tagged. */
async function hiveVpcOf(options: EnableOptions, secret: SecretText): Promise<{ vpcId: string; region: string }> {
  const { hiveVpc, region, home } = options;
  const cluster = hiveVpc !== undefined && region !== undefined ? undefined : await home.infrastructure();
  const where = region ?? cluster?.region;
  if (hiveVpc !== undefined && where !== undefined) return { vpcId: hiveVpc, region: where };
  if (cluster === undefined || where === undefined)
    throw new UsageError('there is no Infrastructure/cluster of OpenShift that says where Hive runs', {
      hint: 'say --hive-vpc VPC and --region REGION',
    });
  const key = `kubernetes.io/cluster/${cluster.name}`;
  const found = await withPlumbing(options, async ({ clients, patience }) => {
    const keys = keysFromSecret(secretData(options.credsSecret, '', { data: secret.data }));
    const client = clients.for(endpointPlumbingCalls, 'creds-secret', where, keys);
    return allPages(
      (NextToken) =>
        client.describeVpcs(
          { Filters: [{ Name: 'tag-key', Values: [key] }], ...(NextToken === undefined ? {} : { NextToken }) },
          patience.signal,
        ),
      (page) => page.Vpcs,
      (page) => page.NextToken,
    );
  });
  if (found.length !== 1)
    throw new UsageError(
      `${found.length === 0 ? 'no VPC' : `more than one VPC (${found.map(({ VpcId }) => VpcId).join(', ')})`} in ${where} has the tag ${key}`,
      { hint: 'say --hive-vpc VPC and --region REGION' },
    );
  return { vpcId: found[0]!.VpcId ?? '', region: where };
}
