/** Frames that cost us work and the sender next to nothing: allowed in bursts, not for ever. */

/** node:http2's own figures against rapid reset (CVE-2023-44487): far above what a busy honest peer sends of these. */
const burst = 1000;
const perSecond = 33;

/**
 * A bucket of tokens for frames that move nothing: PING, SETTINGS, PRIORITY, RST_STREAM, unknown types, empty DATA, refused calls
 * (CVE-2019-9512, 9515, 9518, CVE-2023-44487).
 */
export class FloodGuard {
  #tokens = burst;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** Takes a token; false: there was none, the peer is to be sent away. */
  take(nowMs: number): boolean {
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#atMs) / 1000) * perSecond);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
