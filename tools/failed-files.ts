/** A reporter of node:test that names the files in which something failed, one `failed-file PATH` a line, for tools/test.ts. */
import type { TestEvent } from 'node:test/reporters';

export default async function* failedFiles(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const named = new Set<string>();
  for await (const event of source) {
    if (event.type !== 'test:fail') continue;
    const { file, name } = event.data;
    // A file that could not be run at all is reported as a test with its own path for a name.
    const path = file ?? name;
    if (path === undefined || named.has(path)) continue;
    named.add(path);
    yield `failed-file ${path}\n`;
  }
}
