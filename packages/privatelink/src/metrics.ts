import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

import type { CallObserver } from './providers/aws/clients.ts';
import type { Controller } from './reconcile/controller.ts';
import type { ReconcileHooks } from './reconcile/hooks.ts';

/** What operators watch: how fast links become ready, who is stuck and why, how full the VPCs are, what AWS says. */

export interface PrivateLinkMetrics {
  readonly hooks: ReconcileHooks;
  readonly observer: CallObserver;
  /** Gauges that are read off the controller at the time of the scrape. */
  watch(controller: Controller): void;
  setLeaks(byKind: ReadonlyMap<string, number>): void;
}

/** From a good day (seconds) past Hive's old limits (minutes) to an installer's half hour. */
const readySecondsBuckets = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
const callSecondsBuckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function privateLinkMetrics(registry: Registry): PrivateLinkMetrics {
  const registers = [registry];
  const timeToReady = new Histogram({
    name: 'postern_privatelink_time_to_ready_seconds',
    help: 'From the creation of an object to its link being ready.',
    buckets: readySecondsBuckets,
    registers,
  });
  const steps = new Counter({
    name: 'postern_privatelink_steps_total',
    help: 'Changes made in AWS, by kind.',
    labelNames: ['step'],
    registers,
  });
  const looks = new Counter({
    name: 'postern_privatelink_reconciles_total',
    help: 'Looks at an object, by where it stood afterwards.',
    labelNames: ['state'],
    registers,
  });
  const calls = new Counter({
    name: 'postern_aws_calls_total',
    help: 'Calls to AWS by action and result (OK or the error code).',
    labelNames: ['action', 'result'],
    registers,
  });
  const throttles = new Counter({
    name: 'postern_aws_throttles_total',
    help: 'Calls that AWS refused because there were too many.',
    labelNames: ['action'],
    registers,
  });
  const callSeconds = new Histogram({
    name: 'postern_aws_call_seconds',
    help: 'Duration of calls to AWS.',
    labelNames: ['action'],
    buckets: callSecondsBuckets,
    registers,
  });
  const leaks = new Gauge({
    name: 'postern_privatelink_leaks',
    help: 'Tagged resources that no object accounts for, as of the last look for leaks.',
    labelNames: ['kind'],
    registers,
  });
  return {
    hooks: {
      onAct: (_key, step) => steps.inc({ step: step.kind }),
      onVerdict: (_key, { state }) => looks.inc({ state }),
      onReady: (_key, seconds) => timeToReady.observe(Math.max(0, seconds)),
    },
    observer: {
      after({ action, error, seconds }) {
        calls.inc({ action, result: error?.awsCode ?? 'OK' });
        if (error?.kind === 'throttled') throttles.inc({ action });
        callSeconds.observe({ action }, seconds);
      },
    },
    watch: (controller) => watchController(registry, controller),
    setLeaks(byKind) {
      leaks.reset();
      for (const [kind, count] of byKind) leaks.set({ kind }, count);
    },
  };
}

function watchController(registry: Registry, controller: Controller): void {
  const registers = [registry];
  const links = new Gauge({
    name: 'postern_privatelink_links',
    help: 'Links by state and reason.',
    labelNames: ['kind', 'state', 'reason'],
    registers,
    collect() {
      links.reset();
      for (const { key, verdict } of controller.verdicts())
        links.inc({ kind: key.kind, state: verdict.state, reason: verdict.reason });
    },
  });
  const endpoints = new Gauge({
    name: 'postern_privatelink_vpc_endpoints',
    help: 'Interface endpoints in each VPC of the inventory, promised ones included.',
    labelNames: ['vpc'],
    registers,
    collect() {
      endpoints.reset();
      for (const { vpcId, endpoints: count } of controller.world.ledger.all()) endpoints.set({ vpc: vpcId }, count);
    },
  });
  const quota = new Gauge({
    name: 'postern_privatelink_vpc_endpoint_quota',
    help: 'Endpoints that each VPC holds at most, where the configuration or a refusal of AWS tells.',
    labelNames: ['vpc'],
    registers,
    async collect() {
      quota.reset();
      for (const [vpcId, value] of await controller.quotas()) quota.set({ vpc: vpcId }, value);
    },
  });
}
