/** Terraform's `-json` lines -> events. PURE. https://developer.hashicorp.com/terraform/internals/machine-readable-ui */

export type Action = 'create' | 'update' | 'delete' | 'replace' | 'read' | 'noop' | 'import' | 'move' | 'forget';

export type TerraformEvent =
  | {
      readonly kind: 'planned';
      readonly address: string;
      readonly type: string;
      readonly action: Action;
      readonly id: string | undefined;
    }
  | { readonly kind: 'started'; readonly address: string; readonly action: Action }
  | { readonly kind: 'working'; readonly address: string; readonly action: Action; readonly seconds: number }
  | {
      readonly kind: 'finished';
      readonly address: string;
      readonly action: Action;
      readonly seconds: number;
      readonly id: string | undefined;
    }
  | { readonly kind: 'failed'; readonly address: string; readonly action: Action }
  | {
      readonly kind: 'problem';
      readonly severity: 'error' | 'warning';
      readonly summary: string;
      readonly detail: string;
      readonly address: string | undefined;
    }
  | { readonly kind: 'other'; readonly text: string };

type Json = Readonly<Record<string, unknown>>;

/** One line; undefined where it tells nothing. A line that is no JSON (a crash, a signal) is kept as text. */
export function parseEvent(line: string): TerraformEvent | undefined {
  if (line.trim() === '') return undefined;
  let json: Json;
  try {
    json = JSON.parse(line) as Json;
  } catch {
    return { kind: 'other', text: line };
  }
  if (typeof json !== 'object' || json === null) return { kind: 'other', text: line };
  const hook = (json['hook'] ?? {}) as Json;
  const address = text((hook['resource'] as Json | undefined)?.['addr']);
  const action = text(hook['action']) as Action;
  const seconds = Number(hook['elapsed_seconds'] ?? 0);
  switch (json['type']) {
    case 'planned_change':
      return planned((json['change'] ?? {}) as Json);
    case 'apply_start':
      return { kind: 'started', address, action };
    case 'apply_progress':
      return { kind: 'working', address, action, seconds };
    case 'apply_complete': {
      const id = text(hook['id_value']);
      return { kind: 'finished', address, action, seconds, id: id === '' ? undefined : id };
    }
    case 'apply_errored':
      return { kind: 'failed', address, action };
    case 'diagnostic':
      return problem((json['diagnostic'] ?? {}) as Json);
    default:
      return json['@level'] === 'error' ? { kind: 'other', text: text(json['@message']) } : undefined;
  }
}

function planned(change: Json): TerraformEvent | undefined {
  const resource = (change['resource'] ?? {}) as Json;
  const action = text(change['action']) as Action;
  if (action === 'noop' || action === 'read') return undefined;
  return {
    kind: 'planned',
    address: text(resource['addr']),
    type: text(resource['resource_type']),
    action,
    id: undefined,
  };
}

function problem(diagnostic: Json): TerraformEvent {
  const address = text(diagnostic['address']);
  return {
    kind: 'problem',
    severity: diagnostic['severity'] === 'warning' ? 'warning' : 'error',
    summary: text(diagnostic['summary']),
    detail: text(diagnostic['detail']),
    address: address === '' ? undefined : address,
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Resources whose making had begun and whose end was not told: what a killed run may have left behind unrecorded. */
export function inFlight(events: readonly TerraformEvent[]): string[] {
  const open = new Set<string>();
  for (const event of events) {
    if (event.kind === 'started' && event.action === 'create') open.add(event.address);
    if (event.kind === 'finished' || event.kind === 'failed') open.delete(event.address);
  }
  return [...open];
}
