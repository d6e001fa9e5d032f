import { setTimeout as sleep } from 'node:timers/promises';

const PAGE_BYTES = 1024 * 1024;

/** Everything an execution printed on a stream, page by page, as a client reads it. */
export const readAll = async (server, execution, stream) => {
  let text = '';
  let cursor;
  do {
    const answer = await server.call('read_output', {
      execution_id: execution,
      stream,
      limit_bytes: PAGE_BYTES,
      raw: true,
      ...(cursor && { cursor }),
    });
    const page = answer[stream];
    text += page?.text ?? '';
    cursor = page?.next_cursor;
  } while (cursor !== undefined);
  return text;
};

/** `check` until it holds or the time is up; what it gave last. */
export const eventually = async (check, ms) => {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = await check();
    if (found || performance.now() > deadline) return found;
    await sleep(50);
  }
};
