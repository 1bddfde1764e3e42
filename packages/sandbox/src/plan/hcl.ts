/** The HCL that `env.hcl` files are written in: blocks of assignments with literals, lists, objects and references to other locals. PURE. */

export type HclValue = string | number | boolean | null | readonly HclValue[] | { readonly [key: string]: HclValue };

export interface HclProblem {
  readonly line: number;
  readonly col: number;
  readonly message: string;
}

export interface HclLocals {
  readonly values: ReadonlyMap<string, HclValue>;
  readonly lines: ReadonlyMap<string, number>;
  readonly problems: readonly HclProblem[];
  /** Read to its end, and with something in it: what came before a break is not the whole of the environment. */
  readonly whole: boolean;
}

/** Nesting of lists and objects; hand-written files have three levels. */
const depthMax = 20;

/** Far above any environment file. */
export const hclCharsMax = 2 ** 20;

class HclError extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** The `locals` blocks of a file. What is no literal (a function call, a condition) is reported and left out. */
export function parseLocals(text: string): HclLocals {
  const values = new Map<string, HclValue>();
  const lines = new Map<string, number>();
  const problems: HclProblem[] = [];
  if (text.length > hclCharsMax)
    return {
      values,
      lines,
      problems: [{ line: 1, col: 1, message: `is larger than ${hclCharsMax} characters` }],
      whole: false,
    };
  let whole = true;
  const reader = new Reader(text);
  const place = (offset: number) => {
    const before = text.slice(0, offset).split('\n');
    return { line: before.length, col: before.at(-1)!.length + 1 };
  };
  try {
    for (reader.space(); !reader.done(); reader.space()) {
      const start = reader.at;
      const word = reader.identifier();
      while (reader.peek() === '"') reader.string();
      if (reader.peek() === '=') {
        // An attribute outside a block (`inputs = { ... }`): read, and of no use here.
        reader.expect('=');
        reader.skipExpression();
        continue;
      }
      reader.expect('{');
      if (word !== 'locals') {
        reader.skipBlock(start);
        continue;
      }
      for (reader.lineSpace(); reader.peek() !== '}'; reader.lineSpace()) {
        if (reader.done()) throw new HclError(start, 'the block locals does not end');
        const keyAt = reader.at;
        const key = reader.identifier();
        reader.expect('=');
        if (values.has(key)) problems.push({ ...place(keyAt), message: `${key} is set twice` });
        lines.set(key, place(keyAt).line);
        const valueAt = reader.at;
        try {
          values.set(key, reader.value(values, 0));
          reader.endOfLine();
        } catch (error) {
          if (!(error instanceof HclError)) throw error;
          problems.push({ ...place(error.offset), message: `${key}: ${error.message}` });
          reader.at = valueAt;
          reader.skipExpression();
        }
      }
      reader.expect('}');
    }
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    problems.push({ ...place(error.offset), message: error.message });
    whole = false;
  }
  if (whole && lines.size === 0) {
    problems.push({ line: 1, col: 1, message: 'holds no locals block with values' });
    whole = false;
  }
  return { values, lines, problems, whole };
}

class Reader {
  readonly text: string;
  at = 0;
  constructor(text: string) {
    this.text = text;
  }

  done(): boolean {
    return this.at >= this.text.length;
  }

  peek(): string {
    this.lineSpaceOnly();
    return this.text[this.at] ?? '';
  }

  /** Blanks and comments, newlines as well. */
  space(): void {
    for (;;) {
      const match = /^(?:\s+|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)/.exec(this.text.slice(this.at, this.at + 4096));
      if (match === null) return;
      this.at += match[0].length;
    }
  }

  lineSpace(): void {
    this.space();
    if (this.text[this.at] === ',') {
      this.at++;
      this.space();
    }
  }

  private lineSpaceOnly(): void {
    while (this.text[this.at] === ' ' || this.text[this.at] === '\t') this.at++;
  }

  identifier(): string {
    this.lineSpaceOnly();
    const match = /^[A-Za-z_][\w-]{0,127}/.exec(this.text.slice(this.at, this.at + 130));
    if (match === null)
      throw new HclError(this.at, `${JSON.stringify(this.text[this.at] ?? 'the end')} where a name should be`);
    this.at += match[0].length;
    return match[0];
  }

  expect(char: string): void {
    if (this.peek() !== char) throw new HclError(this.at, `${JSON.stringify(char)} is missing`);
    this.at++;
  }

  endOfLine(): void {
    this.lineSpaceOnly();
    if (this.done() || '\n\r#/,}'.includes(this.text[this.at]!)) return;
    throw new HclError(this.at, 'is more than a value (functions and operators are not evaluated)');
  }

  value(known: ReadonlyMap<string, HclValue>, depth: number): HclValue {
    this.lineSpaceOnly();
    if (depth > depthMax) throw new HclError(this.at, `nests deeper than ${depthMax}`);
    const char = this.text[this.at];
    if (char === '"') return this.interpolate(this.string(), known);
    if (char === '[') return this.list(known, depth);
    if (char === '{') return this.object(known, depth);
    const number = /^-?\d+(\.\d+)?/.exec(this.text.slice(this.at, this.at + 40))?.[0];
    if (number !== undefined) {
      this.at += number.length;
      return Number(number);
    }
    const start = this.at;
    const word = this.identifier();
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    if (word === 'local' && this.text[this.at] === '.') {
      this.at++;
      const name = this.identifier();
      const found = known.get(name);
      if (found === undefined) throw new HclError(start, `local.${name} is not set above`);
      return found;
    }
    throw new HclError(start, `${word} is not a literal`);
  }

  string(): string {
    const start = this.at;
    this.at++;
    let out = '';
    for (;;) {
      const char = this.text[this.at];
      if (char === undefined || char === '\n') throw new HclError(start, 'the text does not end');
      this.at++;
      if (char === '"') return out;
      if (char === '\\') {
        const next = this.text[this.at++] ?? '';
        out += { n: '\n', t: '\t', r: '\r' }[next] ?? next;
      } else out += char;
    }
  }

  private interpolate(text: string, known: ReadonlyMap<string, HclValue>): string {
    return text.replace(/\$\{\s*([^}]*?)\s*\}/g, (_, expression: string) => {
      const name = /^local\.([\w-]+)$/.exec(expression)?.[1];
      const found = name === undefined ? undefined : known.get(name);
      if (typeof found !== 'string' && typeof found !== 'number')
        throw new HclError(this.at, `\${${expression}} is not evaluated`);
      return String(found);
    });
  }

  private list(known: ReadonlyMap<string, HclValue>, depth: number): HclValue[] {
    const start = this.at++;
    const items: HclValue[] = [];
    for (this.space(); this.text[this.at] !== ']'; this.lineSpace()) {
      if (this.done()) throw new HclError(start, 'the list does not end');
      const before = this.at;
      items.push(this.value(known, depth + 1));
      if (this.at === before) throw new HclError(this.at, 'is no value');
    }
    this.at++;
    return items;
  }

  private object(known: ReadonlyMap<string, HclValue>, depth: number): { [key: string]: HclValue } {
    const start = this.at++;
    const entries: Array<[string, HclValue]> = [];
    for (this.lineSpace(); this.text[this.at] !== '}'; this.lineSpace()) {
      if (this.done()) throw new HclError(start, 'the object does not end');
      const key = this.text[this.at] === '"' ? this.string() : this.identifier();
      if (this.peek() !== '=' && this.peek() !== ':') throw new HclError(this.at, '"=" is missing');
      this.at++;
      entries.push([key, this.value(known, depth + 1)]);
    }
    this.at++;
    return Object.fromEntries(entries);
  }

  /** Over an expression that is not read: brackets in balance, to the end of the line. */
  skipExpression(): void {
    let depth = 0;
    for (; !this.done(); this.at++) {
      const char = this.text[this.at]!;
      if (char === '"') {
        this.string();
        this.at--;
      } else if ('([{'.includes(char)) depth++;
      else if (')]}'.includes(char)) {
        if (depth === 0) return;
        depth--;
      } else if (char === '\n' && depth === 0) return;
    }
  }

  skipBlock(start: number): void {
    for (this.space(); this.text[this.at] !== '}'; this.space()) {
      if (this.done()) throw new HclError(start, 'the block does not end');
      const before = this.at;
      this.skipExpression();
      if (this.at === before) this.at++;
    }
    this.at++;
  }
}
