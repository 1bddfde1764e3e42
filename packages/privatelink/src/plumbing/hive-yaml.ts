import { type Document, isMap, isSeq, parseAllDocuments, type YAMLMap, type YAMLSeq } from 'yaml';
import { hiveConfigName } from '../kinds/hive-config.ts';
import { applyEdit, type HiveEdit } from './home.ts';
import type { AwsPrivateLink } from '../kinds/hive-config.ts';

/** Edits one document of a YAML file and leaves its comments, and every other document byte for byte. */

interface Found {
  readonly document: Document.Parsed;
  /** The text of the whole file that is this document's. */
  readonly start: number;
  readonly end: number;
}

export function documentsOf(text: string): Found[] {
  const documents = parseAllDocuments(text) as Document.Parsed[];
  let start = 0;
  return documents.map((document, i) => {
    const end = i === documents.length - 1 ? text.length : document.range[2];
    const found = { document, start, end };
    start = end;
    return found;
  });
}

export function isHiveConfig(document: Document): boolean {
  return (
    document.get('kind') === 'HiveConfig' &&
    document.getIn(['metadata', 'name']) === hiveConfigName &&
    String(document.get('apiVersion')).startsWith('hive.openshift.io/')
  );
}

/** The file's text with the document changed; undefined when `which` is not in it. */
export function editDocument(
  text: string,
  which: (document: Document) => boolean,
  change: (document: Document.Parsed) => void,
): string | undefined {
  const found = documentsOf(text).find(({ document }) => isMap(document.contents) && which(document));
  if (found === undefined) return undefined;
  change(found.document);
  return text.slice(0, found.start) + print(found.document, text) + text.slice(found.end);
}

/** The file's text without the document; undefined when nothing else is in it. */
export function withoutDocument(text: string, which: (document: Document) => boolean): string | undefined {
  const all = documentsOf(text);
  const left = all.filter(({ document }) => !(isMap(document.contents) && which(document)));
  const kept = left.map(({ start, end }) => text.slice(start, end)).join('');
  return left.some(({ document }) => document.contents !== null) ? kept.replace(/^---\n/, '') : undefined;
}

/** As the author writes: how wide flow collections are, whether lists are indented. */
function print(document: Document.Parsed, text: string): string {
  const printed = document.toString({
    lineWidth: 0,
    indentSeq: !/^( *)[^\s#-][^\n]*:[ \t]*\n\1- /m.test(text),
    flowCollectionPadding: !/[{[][^\s}\]]/.test(text),
  });
  return printed.endsWith('\n') ? printed : `${printed}\n`;
}

const sectionPath = ['spec', 'awsPrivateLink'];
const inventoryPath = [...sectionPath, 'endpointVPCInventory'];

/** Carries out an edit on the nodes themselves, so that comments beside them stay. */
export function editHiveConfig(document: Document.Parsed, edit: HiveEdit): void {
  if (edit.kind === 'put-section') {
    if (!isMap(document.get('spec'))) document.set('spec', document.createNode({}));
    document.setIn(sectionPath, document.createNode(edit.section));
    unflow(document.get('spec'));
    return;
  }
  if (edit.kind === 'take-section') {
    document.deleteIn(sectionPath);
    return;
  }
  if (!isSeq(document.getIn(inventoryPath))) document.setIn(inventoryPath, document.createNode([]));
  const inventory = document.getIn(inventoryPath) as YAMLSeq;
  const vpcID = edit.kind === 'put-entry' ? edit.entry.vpcID : edit.vpcID;
  const at = inventory.items.findIndex((item) => isMap(item) && item.get('vpcID') === vpcID);
  if (edit.kind === 'take-entry') {
    if (at >= 0) inventory.delete(at);
    return;
  }
  if (at >= 0) {
    const item = inventory.items[at] as YAMLMap;
    if (JSON.stringify(edit.entry.subnets) !== JSON.stringify((item.toJSON() as AwsEntry).subnets))
      item.set('subnets', document.createNode(edit.entry.subnets));
    return;
  }
  inventory.items.splice(edit.index ?? inventory.items.length, 0, document.createNode(edit.entry));
  unflow(inventory);
}

type AwsEntry = NonNullable<AwsPrivateLink['endpointVPCInventory']>[number];

/** `[]` and `{}` grow over lines when something comes into them. */
function unflow(node: unknown): void {
  if ((isMap(node) || isSeq(node)) && node.flow === true) node.flow = false;
}

/** Whether the edited text says what the edit means: nothing is written that says something else. */
export function saysWhatItMeans(text: string, before: AwsPrivateLink | undefined, edit: HiveEdit): boolean {
  const found = documentsOf(text).find(({ document }) => isMap(document.contents) && isHiveConfig(document));
  const section: unknown = (found?.document.toJSON() as { spec?: { awsPrivateLink?: unknown } } | undefined)?.spec
    ?.awsPrivateLink;
  return canonical(section ?? undefined) === canonical(applyEdit(before, edit));
}

function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
