/** Pieces of Markdown. */

/** A command in a block of its own, so that one click copies one command. */
export function command(text: string): string {
  return `\`\`\`bash\n${text}\n\`\`\`\n`;
}

export function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}

/** A shell word: bare where nothing in it means anything to a shell, else quoted; of `--flag=value` only the value is. */
export function word(text: string): string {
  const [, flag = '', value = text] = /^(--[a-z-]+=)(.*)$/s.exec(text) ?? [];
  if (/^[A-Za-z0-9_./:@,=+-]+$/.test(value)) return flag + value;
  // Double quotes read better around single ones, where nothing is expanded inside them.
  if (value.includes("'") && !/["$`\\!]/.test(value)) return `${flag}"${value}"`;
  return `${flag}'${value.replaceAll("'", `'\\''`)}'`;
}

/** A command line of words; what is no plain word is quoted. */
export function shell(...words: readonly string[]): string {
  return words.map(word).join(' ');
}
