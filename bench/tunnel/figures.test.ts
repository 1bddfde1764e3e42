/** The pure part of the benchmark. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cell, median, parseBytes, quantile, table, uncoordinated } from './figures.ts';

test('a median of odd, even and no numbers', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([10, 9, 1, 2]), 5.5);
  assert.ok(Number.isNaN(median([])));
});

test('quantiles', () => {
  const numbers = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.equal(quantile(numbers, 0.5), 51);
  assert.equal(quantile(numbers, 0.99), 100);
  assert.equal(quantile([7], 0.99), 7);
});

test('a stall is counted for each message it held up', () => {
  assert.deepEqual(uncoordinated([10, 10, 40], 10), [10, 10, 40, 30, 20, 10]);
  assert.deepEqual(uncoordinated([1, 2], 0), [1, 2]);
});

test('sizes', () => {
  assert.equal(parseBytes('64MiB'), 64 * 2 ** 20);
  assert.equal(parseBytes('1.5GiB'), 1.5 * 2 ** 30);
  assert.equal(parseBytes('100'), 100);
  assert.equal(parseBytes('64MB'), undefined);
});

test('an aligned table', () => {
  assert.equal(
    table(
      [
        ['name', 'MiB/s'],
        ['postern', cell(123.4)],
        ['x', cell(undefined)],
      ],
      1,
    ),
    'name     MiB/s\npostern    123\nx            -\n',
  );
});
