/** Documents: every problem at once, where a person would look for it; nothing in a file can take the process down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import { ConfigError, formatDiagnostic, formatPath } from './diagnostics.ts';
import { checkDocument, documentBytesMax, loadDocument, parseYaml } from './document.ts';
import {
  bytesField,
  cidrField,
  destinationField,
  durationField,
  emailField,
  hostPortField,
  listenField,
  nameField,
} from './fields.ts';

const schema = z.strictObject({
  name: nameField(),
  listen: listenField(),
  server: hostPortField().optional(),
  lifetime: durationField({ minMs: 2000, maxMs: 86_400_000 }).prefault('24h'),
  budget: bytesField({ min: 1024 }).prefault('256MiB'),
  ranges: z.array(cidrField()).prefault([]),
  allow: z.array(destinationField()).prefault([]),
  owner: emailField().optional(),
  nested: z.strictObject({ depth: z.number().int().optional(), kind: z.enum(['a', 'b']).optional() }).optional(),
  either: z.union([z.literal('none'), z.strictObject({ size: z.number() })]).optional(),
});

function problems(text: string): string[] {
  try {
    loadDocument('f.yaml', text, schema);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.diagnostics.map(formatDiagnostic);
  }
}

test('a good document is its value, with defaults', () => {
  const value = loadDocument('f.yaml', 'name: a\nlisten: "[::1]:0"\nallow: ["*.x.example:22"]\n', schema);
  assert.equal(value.lifetime, 86_400_000);
  assert.equal(value.budget, 2 ** 28);
  assert.deepEqual(value.listen, { host: '::1', port: 0 });
  assert.equal(value.allow.length, 1);
});

test('every problem at once, in the order of the file', () => {
  assert.deepEqual(
    problems(`name: Not a name
listen: 127.0.0.1
lifetime: 1s
budget: 256MB
ranges: [10.0.0.1/8, 10.0.0.0/8, nonsense]
owner: a@b,c@d
nested:
  dept: 1
  kind: c
`),
    [
      'f.yaml:1:7: name: "Not a name" is not a name of lower-case letters, digits and hyphens',
      'f.yaml:2:9: listen: "127.0.0.1" is not an address to listen on such as 127.0.0.1:8080',
      'f.yaml:3:11: lifetime: "1s" must be between 2000 ms and 86400000 ms',
      'f.yaml:4:9: budget: "256MB" is not a size such as 64KiB or 256MiB',
      'f.yaml:5:10: ranges[0]: "10.0.0.1/8" has host bits set; the network is 10.0.0.0/8',
      'f.yaml:5:34: ranges[2]: "nonsense" is not a CIDR such as 10.0.0.0/8',
      'f.yaml:6:8: owner: "a@b,c@d" is not an identity such as dc1@acme.example',
      'f.yaml:8:3: nested.dept: unknown key, did you mean depth?',
      'f.yaml:9:9: nested.kind: expected "a" or "b", got "c"',
    ],
  );
});

test('a missing key points at its parent, a wrong type says both', () => {
  assert.deepEqual(problems('listen: 5\n'), [
    'f.yaml:1:1: name: is missing (expected string)',
    'f.yaml:1:9: listen: expected string, got number',
  ]);
  assert.deepEqual(problems('- a\n'), ['f.yaml:1:1: expected object, got a list']);
  assert.match(
    problems('name: a\nlisten: 127.0.0.1:1\nnested:\n').join(),
    /^f\.yaml:3:\d+: nested: expected object, got nothing$/,
  );
});

test('the branch of a union that was meant is the one that is reported', () => {
  assert.deepEqual(problems('name: a\nlisten: 127.0.0.1:1\neither: {size: big}\n'), [
    'f.yaml:3:16: either.size: expected number, got string',
  ]);
});

test('what is not one document', () => {
  assert.deepEqual(problems(''), ['f.yaml:1:1: is empty']);
  assert.deepEqual(problems('# nothing\n'), ['f.yaml:1:1: is empty']);
  assert.match(problems('name: a\n---\nname: b\n').join(), /^f\.yaml:3:1: holds a second document/);
  assert.match(problems('a: [1, 2\nb: 3\n').join('\n'), /^f\.yaml:\d+:\d+: /);
  assert.match(problems('name: a\nname: b\n').join(), /^f\.yaml:2:1: .*unique/);
  assert.match(problems(`name: ${'x'.repeat(documentBytesMax)}`).join(), /larger than/);
});

test('an alias bomb is a diagnostic', () => {
  const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (const [i, name] of 'bcdefghij'.split('').entries())
    lines.push(`${name}: &${name} [${Array(10).fill(`*${'abcdefghi'[i]}`).join(', ')}]`);
  assert.match(problems(lines.join('\n')).join(), /^f\.yaml:\d+:\d+: .*alias/i);
});

test('keys of the prototype are only keys', () => {
  assert.ok(problems('name: a\nlisten: 127.0.0.1:1\n__proto__: {x: 1}\nconstructor: 1\n').length > 0);
  assert.equal(({} as { x?: number }).x, undefined);
});

test('several documents in one file are checked each, with its own lines', () => {
  const { documents, diagnostics } = parseYaml('f.yaml', 'name: a\nlisten: 127.0.0.1:1\n---\nname: b\n---\n');
  assert.deepEqual(diagnostics, []);
  assert.equal(documents.length, 2);
  assert.equal(checkDocument(documents[0]!, schema).ok, true);
  const second = checkDocument(documents[1]!, schema);
  assert.ok(!second.ok);
  assert.equal(second.diagnostics[0]!.line, 4);
});

test('no text throws anything but diagnostics, and every diagnostic lies in the file', () => {
  const yamlish = fc
    .array(
      fc.constantFrom(
        'name',
        'listen',
        ':',
        ' ',
        '\n',
        '- ',
        '{',
        '}',
        '[',
        ']',
        ',',
        '"',
        '&a',
        '*a',
        '!!int',
        '|',
        '#',
        '? ',
        '\t',
        '1',
        '---\n',
        '%',
      ),
      { maxLength: 40 },
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(yamlish, fc.string({ maxLength: 60 })), (text) => {
      const lines = text.split('\n').length;
      const { documents, diagnostics } = parseYaml('f.yaml', text);
      const all = [...diagnostics];
      for (const document of documents) {
        const checked = checkDocument(document, schema);
        if (!checked.ok) all.push(...checked.diagnostics);
      }
      for (const d of all) {
        assert.ok(d.line >= 1 && d.line <= lines && d.col >= 1, formatDiagnostic(d));
        assert.match(formatDiagnostic(d), /^f\.yaml:\d+:\d+: ./);
      }
    }),
    { numRuns: 2000 },
  );
});

test('paths and warnings are written as people write them', () => {
  assert.equal(formatPath(['rules', 0, 'destinations', 2]), 'rules[0].destinations[2]');
  assert.equal(formatPath([]), '');
  assert.equal(
    formatDiagnostic({ severity: 'warning', file: 'f', line: 1, col: 2, path: '', message: 'm' }),
    'f:1:2: warning: m',
  );
});
