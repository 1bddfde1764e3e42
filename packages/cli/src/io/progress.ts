/** Progress of long work on standard error: a live line on a terminal, plain lines in a pipe, nothing when quiet. */
export interface Progress {
  /** What is going on now. */
  step(text: string): void;
  /** A line that stays. */
  done(text: string): void;
  end(): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 100;

export function progress(options: { quiet?: boolean; out?: NodeJS.WriteStream } = {}): Progress {
  const out = options.out ?? process.stderr;
  if (options.quiet === true) return { step: () => {}, done: () => {}, end: () => {} };
  return out.isTTY
    ? liveLine(out)
    : { step: (text) => void out.write(`${text}\n`), done: (text) => void out.write(`${text}\n`), end: () => {} };
}

function liveLine(out: NodeJS.WriteStream): Progress {
  let text = '';
  let frame = 0;
  const draw = (): void =>
    void out.write(`\r\x1b[2K${frames[frame++ % frames.length]} ${text.slice(0, (out.columns ?? 80) - 3)}`);
  let timer: NodeJS.Timeout | undefined;
  const clear = (): void => {
    clearInterval(timer);
    timer = undefined;
    out.write('\r\x1b[2K');
  };
  return {
    step(now) {
      text = now;
      timer ??= setInterval(draw, frameMs).unref();
      draw();
    },
    done(line) {
      clear();
      out.write(`${line}\n`);
    },
    end: clear,
  };
}
