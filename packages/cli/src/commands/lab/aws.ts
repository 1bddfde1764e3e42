/** `postern lab aws`: the AWS simulator in the foreground, until it is told to stop. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration, parseListen, PosternError, UsageError } from '@postern/core';
import { aborted, terminationSignal, translateListenError } from '@postern/daemon';

interface Options {
  readonly listen: string;
  readonly state?: string;
  readonly rules?: string;
  readonly latency?: number;
  readonly quiet?: boolean;
}

export function registerLabAws(lab: Command): void {
  lab
    .command('aws')
    .description('an AWS simulator: EC2, load balancing, Route 53, IAM, STS, ECR, EKS and CloudFormation on one port')
    .requiredOption('--listen <address>', 'where to listen, e.g. 127.0.0.1:4566; port 0 takes a free one')
    .option('--state <file>', 'keep the world in this SQLite file over restarts (default: in memory)')
    .option('--rules <file>', 'begin with the rules of this JSON file (a list, as POST /_postern/rules takes it)')
    .addOption(
      new Option('--latency <duration>', 'every call takes at least this long, e.g. 50ms (default: none)').argParser(
        parseLatency,
      ),
    )
    .option('-q, --quiet', 'print the address only')
    .addHelpText('after', help)
    .action(run);
}

const help = `
An access key id of twelve digits is the root of that account; keys that its IAM and its STS make work too. Signatures are not
verified. What the world does otherwise than on a good day is said by rules: see GET /_postern on the same address.

Examples:
  postern lab aws --listen 127.0.0.1:4566
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=123456789012 AWS_SECRET_ACCESS_KEY=any AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1
  aws ec2 create-vpc --cidr-block 10.0.0.0/16
  curl -s http://127.0.0.1:4566/_postern/journal
  curl -s http://127.0.0.1:4566/_postern/rules -d '{"match": {"action": "DescribeVpcEndpoints"}, "effect": {"emptyPage": true}}'
`;

/** A minute is more than any client waits. */
const latencyMsMax = 60_000;

function parseLatency(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms > latencyMsMax)
    throw new InvalidArgumentError('It is not a duration of at most a minute such as 50ms.');
  return ms;
}

async function run(options: Options): Promise<void> {
  const address = parseListen(options.listen);
  if ('kind' in address) throw new UsageError(`--listen: ${JSON.stringify(options.listen)} ${address.reason}`);
  const { startAwsSimulator, readRules } = await import('@postern/lab/aws');
  const rules = options.rules === undefined ? [] : await readRules(options.rules);
  const simulator = await startAwsSimulator({
    listen: address,
    ...(options.state === undefined ? {} : { stateFile: options.state }),
  }).catch((error: unknown) => {
    throw error instanceof PosternError ? error : translateListenError(error, address, '--listen');
  });
  // First, so that a rule of the file that says otherwise comes on top.
  if (options.latency !== undefined) simulator.rule({ id: 'latency', effect: { latencyMs: options.latency } });
  for (const rule of rules) simulator.rule(rule);
  const stop = terminationSignal();
  process.stdout.write(
    options.quiet === true
      ? `${simulator.url}\n`
      : `AWS simulator listening on ${simulator.url}\n` +
          `  export AWS_ENDPOINT_URL=${simulator.url} AWS_ACCESS_KEY_ID=123456789012 AWS_SECRET_ACCESS_KEY=any AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1\n` +
          `  calls: ${simulator.url}/_postern/journal   all pages: ${simulator.url}/_postern\n`,
  );
  await aborted(stop);
  await simulator.close();
}
