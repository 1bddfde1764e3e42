/** What the demo prints: a line a step with its time; live and coloured on a terminal, plain in a pipe. */
export interface Stage {
  /** A heading. */
  act(title: string): void;
  /** Runs one step and prints how it went. */
  step<T>(title: string, work: (note: Note) => Promise<T>): Promise<T>;
  /** Text below a step. */
  text(lines: string): void;
  /** Leaves the terminal as it was. */
  end(): void;
}

export interface Note {
  /** The command a person would type for this. */
  command(text: string): void;
  /** What came of it. */
  result(text: string): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 100;
const indent = '    ';
const timeColumn = 66;

const ansi = { bold: '\x1b[1m', dim: '\x1b[2m', green: '\x1b[32m', red: '\x1b[31m', cyan: '\x1b[36m', end: '\x1b[0m' };
type Style = keyof typeof ansi;

export function createStage(out: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }): Stage {
  const live = out.isTTY === true && process.env['TERM'] !== 'dumb';
  const colour = live && process.env['NO_COLOR'] === undefined;
  const paint = (style: Style, text: string): string => (colour ? `${ansi[style]}${text}${ansi.end}` : text);
  const write = (text: string): void => void out.write(text);
  let spinner: NodeJS.Timeout | undefined;
  const clear = (): void => {
    if (spinner === undefined) return;
    clearInterval(spinner);
    spinner = undefined;
    write('\r\x1b[2K\x1b[?25h');
  };
  const spin = (title: string): void => {
    if (!live) return;
    let frame = 0;
    const draw = (): void =>
      write(`\r\x1b[2K\x1b[?25l  ${frames[frame++ % frames.length]} ${title.slice(0, (out.columns ?? 80) - 5)}`);
    draw();
    spinner = setInterval(draw, frameMs);
    spinner.unref();
  };
  return {
    act: (title) => write(`\n${paint('bold', title)}\n`),
    text: (lines) => write(`${lines.replace(/^(?=.)/gm, indent)}\n`),
    end: clear,
    async step(title, work) {
      const notes: string[] = [];
      const startedMs = performance.now();
      spin(title);
      const took = (): string => `${((performance.now() - startedMs) / 1000).toFixed(2).padStart(6)} s`;
      const finish = (mark: string, style: Style): void => {
        clear();
        write(
          `  ${paint(style, mark)} ${title.padEnd(timeColumn)}${paint('dim', took())}\n${notes.map((note) => `${note}\n`).join('')}`,
        );
      };
      try {
        const value = await work({
          command: (text) => notes.push(paint('dim', `${indent}$ ${text}`)),
          result: (text) => notes.push(`${indent}${text.replaceAll('\n', `\n${indent}`)}`),
        });
        finish(live ? '✓' : 'ok', 'green');
        return value;
      } catch (error) {
        finish(live ? '✗' : 'FAILED', 'red');
        throw error;
      }
    },
  };
}
