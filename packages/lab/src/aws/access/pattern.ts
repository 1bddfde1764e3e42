/** Patterns with `*` and `?`, as IAM policies and EC2 filters have them. */

/** `*` and `?` match as in IAM: anything, also colons and slashes. Linear, as no regular expression with nested stars is. */
export function fits(pattern: string, text: string, ignoreCase = false): boolean {
  const p = ignoreCase ? pattern.toLowerCase() : pattern;
  const t = ignoreCase ? text.toLowerCase() : text;
  let [i, j, star, mark] = [0, 0, -1, 0];
  while (j < t.length) {
    if (i < p.length && p[i] !== '*' && (p[i] === '?' || p[i] === t[j])) {
      i += 1;
      j += 1;
    } else if (p[i] === '*') {
      star = i++;
      mark = j;
    } else if (star >= 0) {
      i = star + 1;
      j = ++mark;
    } else return false;
  }
  while (p[i] === '*') i += 1;
  return i === p.length;
}
