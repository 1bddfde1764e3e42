/** A launcher passes on a Ctrl-C that the terminal has already sent to the whole group: within this time it is one wish, not two. */
const echoMs = 300;

/**
 * The first SIGTERM or SIGINT aborts the returned signal: the daemon drains and ends with 0. A second one ends the
 * process at once, because a person who presses Ctrl-C twice means it.
 */
export function terminationSignal(): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  const onSignal = (): void => {
    if (!controller.signal.aborted) {
      firstMs = performance.now();
      controller.abort();
    } else if (performance.now() - firstMs > echoMs) process.exit(130);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return controller.signal;
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
