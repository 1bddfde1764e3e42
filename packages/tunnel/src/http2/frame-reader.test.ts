/** Property tests: whatever frames there are come out as they were, however the bytes are cut; garbage ends in ConnectionError only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cut } from '@postern/testing';
import * as fc from 'fast-check';
import { ConnectionError, type ErrorName, flag, frameBytesLeast, frameType } from './codes.ts';
import { type FrameHandler, FrameReader } from './frame-reader.ts';
import { frameHeader } from './frames.ts';

const dataBytesMax = 40_000;

type Event =
  | ['begin', stream: number, flowBytes: number]
  | ['data', hex: string]
  | ['end', endStream: boolean]
  | ['frame', type: number, flags: number, stream: number, hex: string];

class Recorder implements FrameHandler {
  readonly events: Event[] = [];
  dataBegins(streamId: number, flowBytes: number): void {
    this.events.push(['begin', streamId, flowBytes]);
  }
  /** Slices of one frame are joined: where they are cut is the network's affair. */
  data(slice: Buffer): void {
    assert.ok(slice.length > 0);
    const last = this.events.at(-1)!;
    if (last[0] === 'data') last[1] += slice.toString('hex');
    else {
      assert.equal(last[0], 'begin', 'data outside of a frame');
      this.events.push(['data', slice.toString('hex')]);
    }
  }
  dataEnds(endStream: boolean): void {
    this.events.push(['end', endStream]);
  }
  frame(type: number, flags: number, streamId: number, payload: Buffer): void {
    this.events.push(['frame', type, flags, streamId, payload.toString('hex')]);
  }
}

interface Sample {
  readonly bytes: Buffer;
  readonly events: readonly Event[];
}

const streamId = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(2 ** 31 - 1));
const content = fc
  .tuple(fc.oneof(fc.nat(40), fc.nat(20_000)), fc.nat(255))
  .map(([length, first]) => Buffer.from(Array.from({ length }, (_, i) => (first + i * 7) & 0xff)));

const dataSample: fc.Arbitrary<Sample> = fc
  .tuple(streamId, content, fc.option(fc.nat(255), { nil: undefined }), fc.boolean(), fc.boolean())
  .map(([stream, data, padding, endStream, reserved]) => {
    const pad = padding === undefined ? [] : [Buffer.from([padding]), data, Buffer.alloc(padding, 0xee)];
    const payload = padding === undefined ? data : Buffer.concat(pad);
    const flags = (endStream ? flag.endStream : 0) | (padding === undefined ? 0 : flag.padded);
    const header = frameHeader(payload.length, frameType.data, flags, stream);
    if (reserved) header[5]! |= 0x80;
    const read: Event[] = data.length === 0 ? [] : [['data', data.toString('hex')]];
    return {
      bytes: Buffer.concat([header, payload]),
      events: [['begin', stream, payload.length], ...read, ['end', endStream]],
    };
  });

const otherSample: fc.Arbitrary<Sample> = fc
  .tuple(
    fc.integer({ min: 1, max: 255 }),
    fc.nat(255),
    fc.nat(2 ** 31 - 1),
    content.map((c) => c.subarray(0, frameBytesLeast)),
  )
  .map(([type, flags, stream, payload]) => ({
    bytes: Buffer.concat([frameHeader(payload.length, type, flags, stream), payload]),
    events: [['frame', type, flags, stream, payload.toString('hex')]],
  }));

test('frames come back as they were, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(dataSample, otherSample), { maxLength: 8 }),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 30_000 })), { maxLength: 6 }),
      (samples, sizes) => {
        const recorder = new Recorder();
        const reader = new FrameReader(recorder, dataBytesMax);
        for (const chunk of cut(Buffer.concat(samples.map((s) => s.bytes)), sizes)) reader.push(chunk);
        assert.deepEqual(
          recorder.events,
          samples.flatMap((s) => s.events),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('every single cut of a padded frame between two others gives the same', () => {
  const bytes = Buffer.concat([
    frameHeader(8, frameType.ping, 0, 0),
    Buffer.from('are you '),
    frameHeader(7, frameType.data, flag.padded | flag.endStream, 3),
    Buffer.from([3, 0x61, 0x62, 0x63, 0, 0, 0]),
    frameHeader(1, frameType.data, flag.padded, 5),
    Buffer.from([0]),
    frameHeader(0, frameType.settings, flag.ack, 0),
  ]);
  const whole = new Recorder();
  new FrameReader(whole, dataBytesMax).push(bytes);
  assert.deepEqual(whole.events, [
    ['frame', frameType.ping, 0, 0, Buffer.from('are you ').toString('hex')],
    ['begin', 3, 7],
    ['data', '616263'],
    ['end', true],
    ['begin', 5, 1],
    ['end', false],
    ['frame', frameType.settings, flag.ack, 0, ''],
  ]);
  for (let at = 1; at < bytes.length; at++) {
    const recorder = new Recorder();
    const reader = new FrameReader(recorder, dataBytesMax);
    reader.push(bytes.subarray(0, at));
    reader.push(bytes.subarray(at));
    assert.deepEqual(recorder.events, whole.events, `cut at ${at}`);
  }
});

test('garbage throws ConnectionError and nothing else', () => {
  const header = fc
    .tuple(fc.nat(60), fc.nat(12), fc.nat(255), fc.nat(5))
    .map(([bytes, type, flags, stream]) => frameHeader(bytes, type, flags, stream));
  const bytes = fc.uint8Array({ maxLength: 80 }).map((b) => Buffer.from(b));
  fc.assert(
    fc.property(
      fc.array(fc.oneof(header, bytes), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 4 }),
      (parts, sizes) => {
        const reader = new FrameReader(new Recorder(), dataBytesMax);
        try {
          for (const chunk of cut(Buffer.concat(parts), sizes)) reader.push(chunk);
        } catch (error) {
          assert.ok(error instanceof ConnectionError, String(error));
        }
      },
    ),
    { numRuns: 3000 },
  );
});

function refusal(...bytes: readonly Buffer[]): ErrorName | undefined {
  const recorder = new Recorder();
  try {
    new FrameReader(recorder, dataBytesMax).push(Buffer.concat(bytes));
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ConnectionError, String(error));
    return error.code;
  }
}

test('a frame that is too large is refused by its header, before anything is held for it', () => {
  assert.equal(refusal(frameHeader(dataBytesMax, frameType.data, 0, 1)), undefined);
  assert.equal(refusal(frameHeader(dataBytesMax + 1, frameType.data, 0, 1)), 'FRAME_SIZE_ERROR');
  for (const type of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]) {
    assert.equal(refusal(frameHeader(frameBytesLeast, type, 0, 1)), undefined);
    assert.equal(refusal(frameHeader(frameBytesLeast + 1, type, 0, 1)), 'FRAME_SIZE_ERROR');
    assert.equal(refusal(frameHeader(2 ** 24 - 1, type, 0, 1)), 'FRAME_SIZE_ERROR');
  }
});

test('DATA on stream 0 is refused', () => {
  assert.equal(refusal(frameHeader(0, frameType.data, 0, 0)), 'PROTOCOL_ERROR');
  assert.equal(refusal(frameHeader(5, frameType.data, flag.padded, 0)), 'PROTOCOL_ERROR');
});

test('padding as long as its frame is refused, one byte less is not', () => {
  const header = frameHeader(10, frameType.data, flag.padded, 1);
  assert.equal(refusal(header, Buffer.from([9])), undefined);
  assert.equal(refusal(header, Buffer.from([10])), 'PROTOCOL_ERROR');
  assert.equal(refusal(header, Buffer.from([255])), 'PROTOCOL_ERROR');
  assert.equal(refusal(frameHeader(0, frameType.data, flag.padded, 1)), 'FRAME_SIZE_ERROR');
});

test('data is handed on in the slices in which it came, and not copied', () => {
  const slices: Buffer[] = [];
  const recorder = new Recorder();
  recorder.data = (slice) => void slices.push(slice);
  const reader = new FrameReader(recorder, dataBytesMax);
  reader.push(frameHeader(30_000, frameType.data, 0, 1));
  const chunks = [
    Buffer.alloc(10_000),
    Buffer.alloc(15_000),
    Buffer.concat([Buffer.alloc(5000), frameHeader(0, 0xee, 0, 0)]),
  ];
  for (const chunk of chunks) reader.push(chunk);
  assert.deepEqual(
    slices.map((s) => s.length),
    [10_000, 15_000, 5000],
  );
  for (const [i, slice] of slices.entries()) assert.equal(slice.buffer, chunks[i]!.buffer);
});

test('once stopped, it tells nothing more, also of the chunk at hand', () => {
  const events: string[] = [];
  const stopping = (at: string): FrameReader => {
    const tell = (event: string): void => {
      events.push(event);
      if (event === at) reader.stop();
    };
    const reader: FrameReader = new FrameReader(
      {
        dataBegins: () => tell('begin'),
        data: () => tell('data'),
        dataEnds: () => tell('end'),
        frame: () => tell('frame'),
      },
      dataBytesMax,
    );
    return reader;
  };
  const data = Buffer.concat([frameHeader(1, frameType.data, 0, 1), Buffer.from('a')]);
  const empty = frameHeader(0, frameType.data, 0, 1);
  const ping = Buffer.concat([frameHeader(8, frameType.ping, 0, 0), Buffer.alloc(8)]);
  for (const [at, bytes, told] of [
    ['frame', [ping, ping], ['frame']],
    ['begin', [data, ping], ['begin']],
    ['begin', [empty, ping], ['begin']],
    ['data', [data, ping], ['begin', 'data']],
    ['end', [data, ping], ['begin', 'data', 'end']],
  ] as const) {
    events.length = 0;
    const reader = stopping(at);
    reader.push(Buffer.concat(bytes));
    reader.push(ping);
    assert.deepEqual(events, told, `stopped at ${at}`);
  }
});
