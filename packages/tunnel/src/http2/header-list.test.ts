/** What is a malformed list of headers (RFC 9113 section 8), and what is none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHeaders } from './header-list.ts';
import type { HeaderField } from './hpack/index.ts';

const request: readonly HeaderField[] = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':path', '/a'],
];

test('a request, a response and trailers are read by name', () => {
  assert.deepEqual(
    { ...readHeaders([...request, [':authority', 'x'], ['te', 'trailers'], ['a-b', '1']], 'request') },
    {
      ':method': 'POST',
      ':scheme': 'https',
      ':path': '/a',
      ':authority': 'x',
      te: 'trailers',
      'a-b': '1',
    },
  );
  assert.deepEqual({ ...readHeaders([[':status', '200']], 'response') }, { ':status': '200' });
  assert.deepEqual({ ...readHeaders([['grpc-status', '0']], 'trailers') }, { 'grpc-status': '0' });
  assert.deepEqual({ ...readHeaders([], 'trailers') }, {});
});

test('a repeated header is a list', () => {
  assert.equal(readHeaders([...request, ['a', '1'], ['a', ''], ['a', '2']], 'request')!['a'], '1, , 2');
});

test('names from the prototype of objects are names like others', () => {
  const headers = readHeaders([...request, ['__proto__', '1'], ['constructor', '2'], ['tostring', '3']], 'request')!;
  assert.equal(headers['__proto__'], '1');
  assert.equal(headers['constructor'], '2');
  assert.equal(Object.getPrototypeOf(headers), null);
  assert.ok(!('hasOwnProperty' in headers));
});

test('pseudo-headers are the right ones, complete, once, and in front', () => {
  for (const missing of request)
    assert.equal(
      readHeaders(
        request.filter((field) => field !== missing),
        'request',
      ),
      undefined,
      `no ${missing[0]}`,
    );
  for (const twice of request)
    assert.equal(readHeaders([...request, twice], 'request'), undefined, `${twice[0]} twice`);
  assert.equal(readHeaders([...request, ['a', '1'], [':authority', 'x']], 'request'), undefined);
  assert.equal(readHeaders([...request, [':status', '200']], 'request'), undefined);
  assert.equal(readHeaders([...request, [':protocol', 'websocket']], 'request'), undefined);
  assert.equal(readHeaders([], 'response'), undefined);
  assert.equal(readHeaders([['a', '1']], 'response'), undefined);
  assert.equal(
    readHeaders(
      [
        [':status', '200'],
        [':path', '/'],
      ],
      'response',
    ),
    undefined,
  );
  assert.equal(
    readHeaders(
      [
        [':status', '200'],
        [':status', '200'],
      ],
      'response',
    ),
    undefined,
  );
  assert.equal(readHeaders([[':status', '200']], 'trailers'), undefined);
});

test('what belongs to a connection of HTTP/1.1 is refused', () => {
  for (const name of ['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'])
    assert.equal(readHeaders([...request, [name, 'x']], 'request'), undefined, name);
  assert.equal(readHeaders([...request, ['te', 'gzip']], 'request'), undefined);
});

test('a name has the characters of a name only', () => {
  for (let code = 0; code < 256; code++) {
    const name = `a${String.fromCharCode(code)}b`;
    // RFC 9113 section 8.2.1: no controls, space, capitals, DEL or above; a colon only in front of a pseudo-header.
    const allowed = code > 0x20 && code < 0x7f && !/[A-Z:]/.test(name);
    assert.equal(readHeaders([...request, [name, 'x']], 'request') !== undefined, allowed, `character ${code}`);
  }
  assert.equal(readHeaders([...request, ['', 'x']], 'request'), undefined);
});

test('a value has no NUL and no line breaks, so that nobody behind can be told of another header', () => {
  for (let code = 0; code < 256; code++) {
    const allowed = code !== 0 && code !== 10 && code !== 13;
    const headers = readHeaders([...request, ['a', `x${String.fromCharCode(code)}x`]], 'request');
    assert.equal(headers !== undefined, allowed, `character ${code}`);
  }
});
