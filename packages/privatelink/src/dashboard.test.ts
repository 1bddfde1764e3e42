/** The Grafana dashboard asks for metrics and labels that the controller has, and leaves none of them out. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { privateLinkMetrics } from './metrics.ts';
import type { Controller } from './reconcile/controller.ts';

interface Dashboard {
  readonly panels: ReadonlyArray<{
    readonly title: string;
    readonly targets: ReadonlyArray<{ readonly expr: string; readonly legendFormat: string }>;
  }>;
}

const file = new URL('../../../docs/dashboards/privatelink.json', import.meta.url);
const { panels } = JSON.parse(readFileSync(file, 'utf8')) as Dashboard;

/** Label names by metric, as the registry has them; a histogram is known by its parts. */
async function known(): Promise<ReadonlyMap<string, readonly string[]>> {
  const registry = new Registry();
  const nothing = { verdicts: () => [], world: { ledger: { all: () => [] } }, quotas: async () => new Map() };
  privateLinkMetrics(registry).watch(nothing as unknown as Controller);
  const names = new Map<string, readonly string[]>();
  for (const { name, type } of await registry.getMetricsAsJSON()) {
    const { labelNames = [] } = registry.getSingleMetric(name) as unknown as { labelNames?: string[] };
    if (type.toString() === 'histogram') {
      names.set(`${name}_bucket`, [...labelNames, 'le']);
      for (const part of ['_sum', '_count']) names.set(`${name}${part}`, labelNames);
    } else names.set(name, labelNames);
  }
  return names;
}

test('every query names metrics that exist, with labels that they have', async () => {
  const metrics = await known();
  for (const { title, targets } of panels)
    for (const { expr, legendFormat } of targets) {
      const used = [...expr.matchAll(/\bpostern_\w+/g)].map(([name]) => name);
      assert.ok(used.length > 0, `${title}: ${expr}`);
      const labels = new Set<string>();
      for (const name of used) {
        assert.ok(metrics.has(name), `${title}: there is no metric ${name}`);
        for (const label of metrics.get(name)!) labels.add(label);
      }
      const named = [
        ...[...expr.matchAll(/\b(?:by|on) \(([^)]+)\)/g)].flatMap(([, list]) => list!.split(/,\s*/)),
        ...[...expr.matchAll(/[{,](\w+)(?:=|!=|=~)"/g)].map(([, label]) => label!),
        ...[...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!),
      ];
      for (const label of named) assert.ok(labels.has(label), `${title}: ${used.join()} has no label ${label}`);
    }
});

test('no metric of the controller is left out', async () => {
  const text = JSON.stringify(panels);
  for (const name of (await known()).keys())
    if (!/_(sum|count)$/.test(name)) assert.ok(text.includes(name), `${name} is on no panel`);
});
