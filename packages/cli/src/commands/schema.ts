import type { Command } from 'commander';
import type { Kind } from '@postern/resources';
import { printList, type OutputFormat, outputOption } from '../io/output.ts';

/** Every package that has kinds; each is loaded only when a schema is asked for. */
const sources: ReadonlyArray<() => Promise<readonly Kind[]>> = [
  async () => (await import('@postern/infra/instance')).kinds,
  async () => (await import('@postern/privatelink/kinds')).privateLinkKinds,
  async () => (await import('@postern/sandbox')).kinds,
  async () => (await import('./flat-kinds.ts')).flatKinds(),
];

/** `postern schema [KIND]`: the JSON Schema of a kind of document, or the list of kinds. */
export function registerSchema(root: Command): void {
  root
    .command('schema')
    .description('print the JSON Schema of a kind of document; without KIND, list the kinds')
    .argument('[kind]', 'Instance, TunnelServer, ... (apiVersion/kind where the name is not unique)')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  postern schema\n  postern schema Instance > instance.schema.json\n\nIn an editor, the first line of config.yaml:\n  # yaml-language-server: $schema=./instance.schema.json\n',
    )
    .action(async (name: string | undefined, { output }: { output: OutputFormat }) => {
      const { findKind, jsonSchema } = await import('@postern/resources');
      const kinds = (await Promise.all(sources.map((source) => source()))).flat();
      if (name !== undefined) {
        process.stdout.write(`${JSON.stringify(jsonSchema(findKind(kinds, name)), null, 2)}\n`);
        return;
      }
      printList(
        kinds.map(({ apiVersion, kind, description }) => ({ kind, apiVersion, description })),
        { kind: (row) => row.kind, 'api version': (row) => row.apiVersion, is: (row) => row.description },
        output,
      );
    });
}
