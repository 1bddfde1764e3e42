/** How long a condition may take before the test fails. Generous: a busy two-core machine is not a defect of the code. */
const patienceMs = 20_000;

/** Waits until `probe` returns something truthy and returns it; fails with `what` and the last error otherwise. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = patienceMs,
): Promise<NonNullable<T>> {
  const deadlineMs = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadlineMs) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
