/** Splits a stream of bytes into lines; one of a watch is one object, which etcd bounds at a few MiB. */
const lineBytesMax = 32 * 2 ** 20;

export async function* linesOf(chunks: AsyncIterable<unknown>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const piece of chunks) {
    let chunk = piece as Buffer;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10)) {
      parts.push(chunk.subarray(0, end));
      const line = Buffer.concat(parts).toString();
      parts = [];
      bytes = 0;
      chunk = chunk.subarray(end + 1);
      if (line.trim() !== '') yield line;
    }
    if (chunk.length > 0) parts.push(chunk);
    bytes += chunk.length;
    if (bytes > lineBytesMax) throw new Error(`a line of the answer is longer than ${lineBytesMax} bytes`);
  }
}
