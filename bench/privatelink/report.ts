/** The results as a person reads them, each against its bar. PURE. */
import { cell, table } from '../tunnel/figures.ts';
import type { Calls } from './subject.ts';
import type { HiveCase } from './hive-calls.ts';

interface Usage {
  readonly rssMiB: number;
  readonly peakMiB: number;
  readonly cpuSeconds: number;
}

interface Stretch extends Usage {
  readonly wallSeconds: number;
  readonly calls: Calls;
  readonly simulatorCpuSeconds: number;
}

interface Count {
  readonly calls: number;
  readonly writes: number;
}

export interface Results {
  readonly settings: {
    readonly clusters: number;
    readonly latencyMs: number;
    readonly resyncMs: number;
    readonly steadyMs: number;
    readonly perAccount: number;
    readonly vpcs: number;
    readonly customers: number;
    readonly workers: number | undefined;
  };
  readonly create: Stretch & { readonly made: Readonly<Record<'services' | 'endpoints' | 'zones', number>> };
  readonly restart: Stretch;
  readonly steady: Usage & { readonly seconds: number; readonly calls: Calls };
  /** Writes to the store from the restart to the end. */
  readonly storeWrites: number;
  readonly hive: {
    readonly case: HiveCase;
    readonly create: Count;
    readonly sync: Count;
    readonly resyncMinutes: number;
  };
}

const rssMiBMax = 300;
/** The controller's own pace, in minutes. */
const resyncMinutesDefault = 10;

export function report(results: Results): { readonly text: string; readonly passed: boolean } {
  const { settings, create, restart, steady, storeWrites, hive } = results;
  const { clusters } = settings;
  const a = (calls: number): number => calls / clusters;
  const looks = steady.seconds / (settings.resyncMs / 1000);
  const perLook = a(steady.calls.calls) / looks;
  const perMinute = (perCluster: number, minutes: number): string => cell((perCluster * clusters) / minutes);
  const peak = Math.max(create.peakMiB, steady.peakMiB);
  const { made } = create;
  const bars: Array<readonly [what: string, ours: string, against: string, ok: boolean | undefined]> = [
    ['all Ready, wall', `${cell(create.wallSeconds)} s`, '', undefined],
    [
      '  services, endpoints, zones made',
      `${made.services}, ${made.endpoints}, ${made.zones}`,
      `${clusters} each`,
      Object.values(made).every((count) => count === clusters),
    ],
    [
      '  calls a cluster',
      cell(a(create.calls.calls)),
      `${hive.create.calls} Hive`,
      a(create.calls.calls) <= hive.create.calls,
    ],
    ['  of them writes', cell(a(create.calls.changes)), `${hive.create.writes} Hive`, undefined],
    ['  calls refused', String(create.calls.errors), '', undefined],
    [
      '  CPU, controller / simulator',
      `${cell(create.cpuSeconds)} / ${cell(create.simulatorCpuSeconds)} s`,
      '',
      undefined,
    ],
    ['cold restart, wall until all Ready', `${cell(restart.wallSeconds)} s`, '', undefined],
    [
      '  calls a cluster',
      cell(a(restart.calls.calls)),
      `${hive.sync.calls} Hive`,
      a(restart.calls.calls) <= hive.sync.calls,
    ],
    ['  writes to AWS', String(restart.calls.changes), '0', restart.calls.changes === 0],
    ['steady, calls a cluster and look', cell(perLook), `${hive.sync.calls} Hive`, perLook <= hive.sync.calls],
    ['  writes to AWS', String(steady.calls.changes), '0', steady.calls.changes === 0],
    [
      `  calls a minute, measured at --resync ${settings.resyncMs / 1000} s`,
      cell((steady.calls.calls * 60) / steady.seconds),
      '',
      undefined,
    ],
    [`  that is at ours of ${resyncMinutesDefault} minutes`, perMinute(perLook, resyncMinutesDefault), '', undefined],
    [
      `  and at Hive's of ${hive.resyncMinutes} minutes`,
      perMinute(perLook, hive.resyncMinutes),
      `${perMinute(hive.sync.calls, hive.resyncMinutes)} Hive`,
      undefined,
    ],
    ['  CPU, controller', `${cell((steady.cpuSeconds * 100) / steady.seconds)} %`, '', undefined],
    ['writes to the store since the restart', String(storeWrites), '0', storeWrites === 0],
    [
      'memory of the controller, at its highest',
      `${cell(peak)} MiB`,
      `< ${rssMiBMax}`,
      Number.isNaN(peak) ? undefined : peak < rssMiBMax,
    ],
    ['  at the end', `${cell(steady.rssMiB)} MiB`, '', undefined],
  ];
  const lines = bars.map(([what, ours, against, ok]) => [
    what,
    ours,
    against,
    ok === undefined ? '' : ok ? 'ok' : 'MISSED',
  ]);
  const text = `${clusters} clusters of ${settings.customers} accounts, ${settings.vpcs} VPCs in the inventory, calls of ${settings.latencyMs} ms, ${settings.workers ?? 'default'} workers
Hive: an installed cluster, ${hive.case.recordType} record, ${hive.case.ownVpcs} associated VPC of the hub, every poll answered at once

${table([['measured', 'postern', 'bar', ''], ...lines], 1)}
calls a cluster, create:  ${byAction(create.calls, clusters)}
cold restart:  ${byAction(restart.calls, clusters)}
steady, a look:  ${byAction(steady.calls, clusters * looks)}

`;
  return { text, passed: bars.every(([, , , ok]) => ok !== false) };
}

function byAction({ byAction: actions }: Calls, share: number): string {
  return Object.entries(actions)
    .toSorted(([, x], [, y]) => y - x)
    .map(([action, count]) => `${action} ${cell(count / share)}`)
    .join(', ');
}
