/** Property tests: whatever is encoded comes back, however the bytes are cut; garbage throws and does nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cut } from '@postern/testing';
import * as fc from 'fast-check';
import {
  decodeIssueRequest,
  decodeIssueResponse,
  decodePeerMessage,
  decodeServerMessage,
  encodeIssueRequest,
  encodeIssueResponse,
  encodePeerMessage,
  encodeServerMessage,
} from './control.ts';
import { WireError } from './errors.ts';
import { FrameDecoder, type FrameSink } from './frame-decoder.ts';
import { dataHeader, finFrame, framePayloadBytesMax, openedFrame, resetFrame } from './frame-encoder.ts';
import { decodeStatusMessage, encodeStatusMessage, grpcMessage, MessageReader } from './grpc.ts';
import { type ResetCode, resetCodes } from './reset-code.ts';

type Event = ['data', string] | ['opened', string] | ['fin'] | ['reset', ResetCode, string];

class Recorder implements FrameSink {
  readonly events: Event[] = [];
  data(slice: Buffer): void {
    const last = this.events.at(-1);
    if (last?.[0] === 'data') last[1] += slice.toString('hex');
    else this.events.push(['data', slice.toString('hex')]);
  }
  opened(address: string): void {
    this.events.push(['opened', address]);
  }
  fin(): void {
    this.events.push(['fin']);
  }
  reset(code: ResetCode, message: string): void {
    this.events.push(['reset', code, message]);
  }
}

const codes = Object.keys(resetCodes) as ResetCode[];
const payload = fc.uint8Array({ minLength: 1, maxLength: 70_000 }).map((bytes) => Buffer.from(bytes));

test('frames come back as they were, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.array(payload, { maxLength: 5 }),
      fc.constantFrom(...codes),
      fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 6 }),
      (address, payloads, code, sizes) => {
        const bytes = Buffer.concat([
          openedFrame(address),
          ...payloads.flatMap((p) => [dataHeader(p.length), p]),
          finFrame,
          resetFrame(code, 'why'),
        ]);
        const recorder = new Recorder();
        const decoder = new FrameDecoder(recorder);
        for (const chunk of cut(bytes, sizes)) decoder.push(chunk);
        const all = Buffer.concat(payloads).toString('hex');
        const data: Event[] = all === '' ? [] : [['data', all]];
        assert.deepEqual(recorder.events, [
          ['opened', Buffer.from(address).toString()],
          ...data,
          ['fin'],
          ['reset', code, 'why'],
        ]);
        assert.ok(decoder.atBoundary);
      },
    ),
    { numRuns: 60 },
  );
});

test('a data header is right for every length class', () => {
  for (const length of [0, 1, 127, 128, 16_383, 16_384, framePayloadBytesMax, 2 ** 20]) {
    const recorder = new Recorder();
    new FrameDecoder(recorder).push(Buffer.concat([dataHeader(length), Buffer.alloc(length)]));
    assert.equal(
      recorder.events.map((e) => (e[0] === 'data' ? e[1].length / 2 : -1)).reduce((a, b) => a + b, 0),
      length,
    );
  }
});

test('unknown fields are skipped, so that a newer peer is understood', () => {
  const unknown = Buffer.from([0x28, 0x96, 0x01, 0x32, 0x03, 1, 2, 3, 0x3d, 1, 2, 3, 4, 0x41, 1, 2, 3, 4, 5, 6, 7, 8]);
  const recorder = new Recorder();
  new FrameDecoder(recorder).push(grpcMessage(Buffer.concat([unknown, Buffer.from([0x0a, 1, 0x2a]), unknown])));
  assert.deepEqual(recorder.events, [['data', '2a']]);
});

test('garbage throws WireError and nothing else, and data seen before it is kept', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 4 }),
      (garbage, sizes) => {
        const decoder = new FrameDecoder(new Recorder());
        try {
          for (const chunk of cut(Buffer.from(garbage), sizes)) decoder.push(chunk);
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('what must not be is refused', () => {
  const push = (bytes: Buffer) => () => new FrameDecoder(new Recorder()).push(bytes);
  assert.throws(push(Buffer.from([1, 0, 0, 0, 0])), /compressed/);
  assert.throws(push(Buffer.from([0, 0, 0x20, 0, 0])), /larger than 1 MiB/);
  assert.throws(push(grpcMessage(Buffer.from([0x0a, 5, 1]))), /longer than its message/);
  assert.throws(push(grpcMessage(Buffer.from([0x08, 1]))), /wrong type/);
  assert.throws(push(grpcMessage(Buffer.from([0x02, 0]))), /number 0/);
  assert.throws(push(Buffer.concat([finFrame, dataHeader(1), Buffer.from([1])])), /data follows fin/);
  assert.throws(
    push(grpcMessage(Buffer.concat([Buffer.from([0x12, 0x81, 0x40]), Buffer.alloc(8193)]))),
    /larger than 4 KiB/,
  );
});

test('control messages come back as they were', () => {
  const buffer = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const number = fc.integer({ min: 0, max: 2 ** 48 });
  const text = fc.string({ unit: 'binary', maxLength: 60 }).filter((s) => s.isWellFormed());
  fc.assert(
    fc.property(
      buffer,
      text,
      fc.array(buffer),
      number,
      number,
      (request, proof, certificateChain, notAfterSeconds, serverTimeMs) => {
        assert.deepEqual(decodeIssueRequest(encodeIssueRequest({ certificateRequest: request, proof })), {
          certificateRequest: request,
          proof,
        });
        const response = { certificateChain, notAfterSeconds, serverTimeMs };
        assert.deepEqual(decodeIssueResponse(encodeIssueResponse(response)), response);
        for (const m of [
          { kind: 'hello', role: 'agent', instance: proof, version: '1' },
          { kind: 'ping', id: serverTimeMs },
          { kind: 'pong', id: 0 },
          { kind: 'pause', reason: proof },
          { kind: 'drain', withinMs: 5 },
        ] as const) {
          assert.deepEqual(decodePeerMessage(encodePeerMessage(m)), m);
        }
        for (const m of [
          { kind: 'welcome', session: proof, parkedAccepts: 128 },
          { kind: 'drain', withinMs: serverTimeMs },
          { kind: 'ping', id: 1 },
          { kind: 'pong', id: 2 },
        ] as const) {
          assert.deepEqual(decodeServerMessage(encodeServerMessage(m)), m);
        }
      },
    ),
  );
});

test('control garbage throws WireError and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
      for (const decode of [decodeIssueRequest, decodeIssueResponse, decodePeerMessage, decodeServerMessage]) {
        try {
          decode(Buffer.from(garbage));
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test('a message reader holds at most one message and refuses larger ones', () => {
  const reader = new MessageReader(10);
  assert.deepEqual(reader.push(grpcMessage(Buffer.from('hello'))).map(String), ['hello']);
  assert.deepEqual(reader.push(Buffer.from([0, 0])), []);
  assert.throws(() => reader.push(Buffer.from([0, 0, 11])), /larger than 10/);
});

test('status messages survive the header', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (text) => {
      const encoded = encodeStatusMessage(text);
      assert.match(encoded, /^[ -~]*$/);
      assert.equal(decodeStatusMessage(encoded), text);
    }),
  );
});
