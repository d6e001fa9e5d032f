import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createOutputWatch } from '../../../src/core/output/watcher.ts';
import { createOutput } from '../../../src/core/output/output.ts';
import { createSearcher, type Searcher } from '../../../src/core/output/searcher.ts';
import { memoryLogs, REF } from './logs.ts';

const root = resolve(import.meta.dirname, '../../..');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-search-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let searcher: Searcher;
afterEach(async () => {
  await searcher[Symbol.asyncDispose]();
});

/** Backtracks for ages. */
const CATASTROPHE = '^(a+)+$';
const victim = Buffer.from(`${'a'.repeat(40)}b\n`);

const grep = (pattern: string, data: Uint8Array) =>
  ({ kind: 'grep', pattern, ignoreCase: false, raw: true, source: { data }, context: 0, max: 10, maxBytes: 10_000, firstLine: 1 }) as const;

describe('the search thread', () => {
  test('a catastrophic pattern is stopped, says why, and harms neither the loop nor the next search', async () => {
    searcher = createSearcher({ stallMs: 300 });
    let longest = 0;
    let last = performance.now();
    const beat = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const bad = searcher.search(grep(CATASTROPHE, victim));
    const good = searcher.search(grep('b$', victim));
    await expect(bad).rejects.toMatchObject({ code: 'invalid_input', hint: expect.stringContaining('nested repetitions') });
    expect((await good).matches).toBe(1);
    clearInterval(beat);
    expect(longest).toBeLessThan(150);
  });

  test('is cancelled in the middle of a pattern and while it waits', async () => {
    searcher = createSearcher({ stallMs: 10_000 });
    const stop = new AbortController();
    const bad = searcher.search(grep(CATASTROPHE, victim), { signal: stop.signal });
    const queued = searcher.search(grep('b', victim), { signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    await Promise.all([bad, queued].map((search) => expect(search).rejects.toMatchObject({ code: 'cancelled' })));
    expect((await searcher.search(grep('b', victim))).matches).toBe(1);
  });

  test('takes no longer than it may', async () => {
    searcher = createSearcher({ totalMs: 150 });
    const source = { paths: [undefined], segments: Float64Array.of(0, 0, 1e12) };
    const endless = searcher.search({ ...grep('never', victim), source }, { read: async () => Buffer.alloc(1_000, 'text\n') });
    await expect(endless).rejects.toMatchObject({ code: 'limit_exceeded' });
  });

  test('a read that fails fails the search', async () => {
    searcher = createSearcher();
    const source = { paths: [undefined], segments: Float64Array.of(0, 0, 10) };
    await expect(
      searcher.search({ ...grep('x', victim), source }, { read: () => Promise.reject(new Error('the disk is gone')) }),
    ).rejects.toThrow('the disk is gone');
    const unreadable = { paths: [folder], segments: Float64Array.of(0, 0, 10) };
    await expect(searcher.search({ ...grep('x', victim), source: unreadable })).rejects.toMatchObject({ code: 'internal' });
  });

  test('a file that was deleted meanwhile holds nothing', async () => {
    searcher = createSearcher();
    const gone = { paths: [join(folder, 'never-was')], segments: Float64Array.of(0, 0, 10) };
    expect(await searcher.search({ ...grep('x', victim), source: gone })).toMatchObject({ matches: 0, more: false });
  });

  test('searches files as it does bytes, over chunk ends and in pieces of long lines', async () => {
    searcher = createSearcher();
    const path = join(folder, 'log');
    const content = Buffer.concat([
      Buffer.alloc(1024 * 1024 - 3, 'x\n'),
      Buffer.from('\nneedle\n'),
      Buffer.alloc(200_000, 'z'),
      Buffer.from('needle'),
    ]);
    await writeFile(path, content);
    const source = { paths: [path], segments: Float64Array.of(0, 0, content.length) };
    const found = await searcher.search({ ...grep('needle', victim), source });
    const first = content.subarray(0, content.indexOf('needle')).toString().split('\n').length;
    expect(found.lines.map(({ line }) => line)).toEqual([first, first + 1]);
    expect(found.more).toBe(false);
    expect(await searcher.search({ kind: 'locate', source, from: first, to: first })).toEqual({
      start: content.indexOf('needle'),
      end: content.indexOf('needle') + 7,
      newlines: first,
    });
  });

  test('does not keep a process alive, and works from the bundle', { timeout: 30_000 }, async () => {
    searcher = createSearcher();
    const out = join(folder, 'dist');
    await writeFile(
      join(folder, 'entry.ts'),
      `import { createSearcher } from '${root}/src/core/output/searcher.ts';
       const found = await createSearcher().search(${JSON.stringify({ ...grep('b', victim), source: undefined })} && { ...${JSON.stringify({ ...grep('b', victim), source: undefined })}, source: { data: Buffer.from('abc\\n') } });
       console.log(JSON.stringify(found.lines));`,
    );
    await build({
      entryPoints: { corral: join(folder, 'entry.ts'), 'search-worker': join(root, 'src/core/output/search-worker.ts') },
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      outdir: out,
      external: ['esbuild'],
    });
    await writeFile(join(out, 'package.json'), '{"type":"module"}');
    const printed = execFileSync(process.execPath, [join(out, 'corral.js')], { timeout: 10_000 }).toString();
    expect(JSON.parse(printed)).toEqual([{ line: 1, start: 0, text: 'abc', match: true }]);
  });
});

describe('searching text', () => {
  test('gives line numbers and lines, at most as many as wanted', async () => {
    searcher = createSearcher();
    await using output = createOutput({ logs: memoryLogs({}).logs });
    const data = Buffer.from('one\ntwo\nthree\nTwo again\n');
    expect(await output.textSearch.search(data, 'two', { ignoreCase: true, max: 5 })).toEqual([
      { line: 2, text: 'two' },
      { line: 4, text: 'Two again' },
    ]);
    expect(await output.textSearch.search(data, 'o', { ignoreCase: false, max: 1 })).toHaveLength(1);
    await expect(output.textSearch.search(data, '[', { ignoreCase: false, max: 1 })).rejects.toMatchObject({ code: 'invalid_input' });
  });
});

describe('waiting for output', () => {
  const watching = (content: Parameters<typeof memoryLogs>[0] = {}) => {
    searcher = createSearcher();
    const kept = memoryLogs(content);
    const output = createOutput({ logs: kept.logs, searchTimes: { stallMs: 300 } });
    const growth = { listeners: new Set<() => void>() };
    const grow = (stream: 'stdout' | 'stderr', text: string | Uint8Array): void => {
      kept.append(stream, text);
      for (const listener of growth.listeners) listener();
    };
    return { output, growth, grow };
  };

  test('the line that comes is found, split over writes or without its end', async () => {
    const { output, growth, grow } = watching({ stdout: 'starting\n' });
    await using _ = output;
    const signal = new AbortController().signal;
    const line = output.watch.match({ ref: REF, pattern: 'listening on port \\d+', growth }, signal).match;
    await new Promise((resolve) => setTimeout(resolve, 50));
    grow('stdout', 'server \u001b[1mlisten');
    await new Promise((resolve) => setTimeout(resolve, 20));
    grow('stdout', 'ing\u001b[0m on port 30');
    expect(await line).toEqual({ line: 'server listening on port 30', stream: 'stdout' });
    const prompt = output.watch.match({ ref: REF, stream: 'stderr', pattern: 'Password: $', growth }, signal).match;
    grow('stderr', 'Password: ');
    expect(await prompt).toEqual({ line: 'Password: ', stream: 'stderr' });
    await vi.waitFor(() => expect(growth.listeners.size).toBe(0));
  });

  test('what was there before is found at once, in either stream', async () => {
    const { output, growth } = watching({ stdout: 'a\n', stderr: 'b\nready\nc\n' });
    await using _ = output;
    const ready = { line: 'ready', stream: 'stderr' };
    const { signal } = new AbortController();
    expect(await output.watch.match({ ref: REF, pattern: '^ready$', growth }, signal).match).toEqual(ready);
    expect((await output.watch.search({ ref: REF, pattern: '^ready$' })).match).toEqual(ready);
    expect((await output.watch.search({ ref: REF, pattern: '^ready$', stream: 'stdout' })).match).toBeUndefined();
  });

  test('gives up with the signal, at once for a pattern that is none, and in time for a catastrophic one', async () => {
    const { output, growth } = watching({ stdout: victim });
    await using _ = output;
    const stop = new AbortController();
    const waiting = output.watch.match({ ref: REF, pattern: 'never', growth }, stop.signal).match;
    setTimeout(() => stop.abort(), 50);
    expect(await waiting).toBeUndefined();
    await vi.waitFor(() => expect(growth.listeners.size).toBe(0));
    const signal = new AbortController().signal;
    await expect(output.watch.match({ ref: REF, pattern: '(', growth }, signal).match).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(output.watch.match({ ref: REF, pattern: CATASTROPHE, growth }, signal).match).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect(growth.listeners.size).toBe(0);
  });

  test('a match is found however the output is cut into writes', async () => {
    const { output, growth, grow } = watching();
    await using _ = output;
    const line = output.watch.match({ ref: REF, pattern: '^the 3000th: é€😀$', growth }, new AbortController().signal).match;
    const whole = Buffer.from(Array.from({ length: 3_001 }, (_, index) => `the ${index}th: é€😀\n`).join(''));
    for (let at = 0; at < whole.length; at += 1_777) {
      grow('stdout', whole.subarray(at, at + 1_777));
      if (at % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await line).toEqual({ line: 'the 3000th: é€😀', stream: 'stdout' });
  });

  test('goes on behind the line that was found, and says how far it looked where there was none', async () => {
    const { output, growth } = watching({ stdout: 'error one\nfine\nerror two\nhalf', stderr: 'warning\n' });
    await using _ = output;
    const { signal } = new AbortController();
    const first = output.watch.match({ ref: REF, pattern: 'error', growth }, signal);
    expect(await first.match).toMatchObject({ line: 'error one' });
    expect(first.scanned()).toEqual({ stdout: 10, stderr: 0 });
    const second = await output.watch.search({ ref: REF, pattern: 'error', from: first.scanned() });
    expect(second).toMatchObject({ match: { line: 'error two' }, scanned: { stdout: 25 } });
    const third = await output.watch.search({ ref: REF, pattern: 'error', from: second.scanned });
    expect(third).toEqual({ match: undefined, scanned: { stdout: 25, stderr: 8 } });
  });

  test('a hundred who wait for the same share one search', async () => {
    searcher = createSearcher();
    const kept = memoryLogs({});
    let searches = 0;
    const watch = createOutputWatch(kept.logs, {
      ...searcher,
      search: (job, options) => ((searches += 1), searcher.search(job, options)),
    });
    const growth = { listeners: new Set<() => void>() };
    const stop = new AbortController();
    const leaving = new AbortController();
    const waits = Array.from({ length: 100 }, (_, index) =>
      watch.match({ ref: REF, pattern: 'ready', growth }, AbortSignal.any([index < 50 ? stop.signal : leaving.signal])),
    );
    leaving.abort();
    expect(await waits[99]?.match).toBeUndefined();
    expect(growth.listeners.size).toBe(1);
    kept.append('stdout', 'ready\n');
    for (const listener of growth.listeners) listener();
    const found = await Promise.all(waits.slice(0, 50).map(({ match }) => match));
    expect(found.every((match) => match?.line === 'ready')).toBe(true);
    expect(searches).toBe(1);
  });

  test('a pattern that is stuck keeps nobody else from searching', async () => {
    searcher = createSearcher({ stallMs: 1_500 });
    await searcher.search(grep('x', victim)); // its thread is there
    const stuck = searcher.search(grep(CATASTROPHE, victim));
    const started = performance.now();
    for (let round = 0; round < 5; round += 1) await searcher.search(grep('a', victim));
    expect(performance.now() - started).toBeLessThan(1_400);
    await expect(stuck).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining('took more than') });
  });
});
