/** SETTINGS as a peer sends them (RFC 9113 section 6.5). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ConnectionError, type ErrorName, frameBytesLeast, frameBytesMost, setting, windowBytesMax } from './codes.ts';
import { headerBytes, settingsFrame } from './frames.ts';
import { defaultPeerSettings, type PeerSettings, readSettings } from './settings.ts';

type Setting = readonly [id: number, value: number];

function read(settings: readonly Setting[], before = defaultPeerSettings): PeerSettings {
  return readSettings(settingsFrame(settings).subarray(headerBytes), before);
}

function refusal(id: number, value: number): ErrorName | undefined {
  try {
    read([[id, value]]);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ConnectionError, String(error));
    return error.code;
  }
}

test('what is said holds, the last of it if said twice, and what is not said stays', () => {
  assert.deepEqual(read([]), defaultPeerSettings);
  const first = read([
    [setting.maxConcurrentStreams, 7],
    [setting.initialWindowSize, 1],
    [setting.initialWindowSize, 0],
    [setting.headerTableSize, 2 ** 32 - 1],
    [setting.maxHeaderListSize, 0],
    [0x7777, 3],
  ]);
  assert.deepEqual(first, { concurrentStreamsMax: 7, initialWindowBytes: 0, frameBytesMax: frameBytesLeast });
  assert.deepEqual(read([[setting.maxFrameSize, frameBytesMost]], first), { ...first, frameBytesMax: frameBytesMost });
});

test('values out of range are refused with the code that the RFC names', () => {
  assert.equal(refusal(setting.enablePush, 2), 'PROTOCOL_ERROR');
  assert.equal(refusal(setting.initialWindowSize, windowBytesMax), undefined);
  assert.equal(refusal(setting.initialWindowSize, windowBytesMax + 1), 'FLOW_CONTROL_ERROR');
  assert.equal(refusal(setting.maxFrameSize, frameBytesLeast), undefined);
  assert.equal(refusal(setting.maxFrameSize, frameBytesLeast - 1), 'PROTOCOL_ERROR');
  assert.equal(refusal(setting.maxFrameSize, frameBytesMost + 1), 'PROTOCOL_ERROR');
});

test('any payload gives settings in range, or ConnectionError; one that is cut short FRAME_SIZE_ERROR', () => {
  const payload = fc
    .array(fc.tuple(fc.nat(9), fc.oneof(fc.nat(2 ** 17), fc.nat(2 ** 32 - 1))), { maxLength: 8 })
    .map((settings) => settingsFrame(settings).subarray(headerBytes));
  fc.assert(
    fc.property(payload, fc.nat(6), (whole, missing) => {
      const bytes = whole.subarray(0, Math.max(0, whole.length - missing));
      try {
        const settings = readSettings(bytes, defaultPeerSettings);
        assert.ok(settings.initialWindowBytes <= windowBytesMax);
        assert.ok(settings.frameBytesMax >= frameBytesLeast && settings.frameBytesMax <= frameBytesMost);
        assert.equal(bytes.length % 6, 0);
      } catch (error) {
        assert.ok(error instanceof ConnectionError, String(error));
        if (bytes.length % 6 !== 0) assert.equal(error.code, 'FRAME_SIZE_ERROR');
      }
    }),
    { numRuns: 500 },
  );
});
