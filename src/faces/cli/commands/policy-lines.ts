const NEWLINE = 0x0a;

/** A line, or the news that one was too long or no UTF-8. */
export type Line = { readonly text: string } | { readonly reason: string };

/**
 * Lines of a byte stream; the last needs no newline. No more than `limit` bytes are held of one: a longer line is read to its end, forgotten, and told as
 * such.
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let held: Uint8Array[] = [];
  let bytes = 0;
  const take = (): Line => {
    const whole = bytes > limit ? undefined : Buffer.concat(held);
    held = [];
    bytes = 0;
    if (whole === undefined) return { reason: `the line is longer than ${String(limit)} bytes` };
    try {
      return { text: decoder.decode(whole) };
    } catch {
      return { reason: 'the line is no UTF-8' };
    }
  };
  for await (const chunk of stream) {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      const part = chunk.subarray(start, end < 0 ? undefined : end);
      bytes += part.length;
      if (bytes <= limit) held.push(part);
      else held = [];
      if (end < 0) break;
      yield take();
      start = end + 1;
    }
  }
  // What follows the last newline, when there is anything.
  if (bytes > 0) yield take();
}
