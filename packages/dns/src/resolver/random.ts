/** Random 16-bit numbers from the system's generator, fetched by the page: one call a query would cost more than the query. */
import { randomFillSync } from 'node:crypto';

const pool = new Uint16Array(4096);
let used = pool.length;

export function random16(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return pool[used++]!;
}
