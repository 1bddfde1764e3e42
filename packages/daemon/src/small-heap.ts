import { setFlagsFromString } from 'node:v8';

/**
 * Keeps a daemon that mostly waits for answers small. Its live data is some tens of MiB, and V8 by itself lets the nursery grow
 * to 128 MiB and the rest to four times what lives in it. Both flags are read at each collection, so they work in a running
 * process; call it before the large modules are loaded, because the nursery grows with them and does not shrink again.
 */
const heapGrowingPercent = 50;

export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);
}
