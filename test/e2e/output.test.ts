import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Corral, startCorral } from './support/corral.ts';

const MIB = 1024 * 1024;
const LINES = 20_000;
const numbered = Array.from({ length: LINES }, (_, index) => `line ${String(index + 1)}\n`).join('');

let corral: Corral;
beforeAll(async () => {
  corral = await startCorral();
});
afterAll(() => corral.close());

const run = (command: string, more: Record<string, unknown> = {}): Promise<Answer> => corral.call('execute_command', { command, ...more });
const rssBytes = (): number => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${String(corral.pid)}/status`, 'latin1'))?.[1]) * 1024;

describe('long output', () => {
  let answer: Answer;
  let execution_id: string;
  beforeAll(async () => {
    answer = await run(`seq -f 'line %.0f' 1 ${String(LINES)}; echo 'a warning' >&2; sleep 0.05; echo 'the end' >&2`);
    execution_id = answer['execution_id'];
  });
  const read = (args: Record<string, unknown>): Promise<Answer> => corral.call('read_output', { execution_id, ...args });

  it('is answered by its head and its tail', () => {
    expect(answer['stdout']).toMatchObject({ bytes: numbered.length, lines: LINES, truncated: true });
    expect(answer['stdout'].text.startsWith('line 1\nline 2\n')).toBe(true);
    expect(answer['stdout'].text.trimEnd().endsWith(`line ${String(LINES)}`)).toBe(true);
    expect(Buffer.byteLength(answer['stdout'].text)).toBeLessThan(40_000);
  });

  it('is read whole, page by page', async () => {
    let text = '';
    let pages = 0;
    let cursor: string | undefined;
    do {
      const page: Answer = (await read({ stream: 'stdout', limit_bytes: 50_000, raw: true, ...(cursor !== undefined && { cursor }) }))[
        'stdout'
      ];
      text += page['text'];
      cursor = page['next_cursor'];
      pages += 1;
    } while (cursor !== undefined);
    expect(text).toBe(numbered);
    expect(pages).toBeGreaterThan(4);
  });

  it('is read from its end', async () => {
    expect((await read({ stream: 'stdout', tail: 2 }))['stdout'].text).toBe(`line ${String(LINES - 1)}\nline ${String(LINES)}\n`);
  });

  it('is read by line numbers', async () => {
    expect((await read({ stream: 'stdout', lines: { from: 777, to: 778 } }))['stdout'].text).toMatch(/line 777\n.*line 778\n$/s);
  });

  it('is searched, with context', async () => {
    const found = (await read({ stream: 'stdout', grep: { pattern: '^line 1234$', context: 1 } }))['stdout'];
    expect(found.matches).toBe(1);
    for (const number of [1233, 1234, 1235]) expect(found.text).toContain(`line ${String(number)}`);
    expect((await read({ grep: { pattern: 'WARNING', ignore_case: true }, stream: 'stderr' }))['stderr'].text).toContain('a warning');
    expect((await read({ stream: 'stdout', grep: 'no such line' }))['stdout'].matches).toBe(0);
  });

  it('shows both streams in one', async () => {
    const both = (await read({ stream: 'both', tail: 2 }))['output'].text as string;
    expect(both).toMatch(/a warning\n.*the end\n$/s);
  });

  it('is read while the program runs', async () => {
    const started = await run('echo first; sleep 0.4; echo second', { wait_seconds: 0.1 });
    const first = await corral.call('read_output', { execution_id: started['execution_id'], stream: 'stdout' });
    expect(first).toMatchObject({ status: 'running', stdout: { text: 'first\n' } });
    await corral.call('wait', { execution_id: started['execution_id'] });
    const cursor = first['stdout'].next_cursor as string | undefined;
    const second = await corral.call('read_output', {
      execution_id: started['execution_id'],
      ...(cursor === undefined ? { stream: 'stdout', tail: 1 } : { cursor }),
    });
    expect(second['stdout'].text).toBe('second\n');
  });
});

describe('strange output', () => {
  it('is text where it can be, and says where it cannot', async () => {
    const answer = await run(String.raw`printf 'gr\xfc\xdfe \xe2\x82\xac\n'`);
    expect(answer['stdout']).toMatchObject({ bytes: 10 });
    expect(answer['stdout'].text).toMatch(/^gr.+e €\n$/);
  });

  it('is told when it is binary, and kept to the byte', async () => {
    const answer = await run("head -c 100000 /dev/zero; printf '\\1\\2\\3'");
    expect(answer['stdout']).toMatchObject({ bytes: 100_003, binary: true });
    expect(Buffer.byteLength(answer['stdout'].text)).toBeLessThan(40_000);
  });

  it('may be one line of 64 MB without an end', async () => {
    const answer = await run(`head -c ${String(64 * MIB)} /dev/zero | tr '\\0' x`, { wait_seconds: 50 });
    expect(answer).toMatchObject({ outcome: { code: 0 }, stdout: { bytes: 64 * MIB, truncated: true } });
    expect(Buffer.byteLength(answer['stdout'].text)).toBeLessThan(40_000);
    const { execution_id } = answer;
    const tail = await corral.call('read_output', { execution_id, stream: 'stdout', tail: 1 });
    expect(Buffer.byteLength(tail['stdout'].text)).toBeLessThan(40_000);
    const found = await corral.call('read_output', { execution_id, stream: 'stdout', grep: 'y' });
    expect(found['stdout'].matches).toBe(0);
    expect(rssBytes()).toBeLessThan(300 * MIB);
  });
});

describe('endless output', () => {
  it('ends at the limit with exactly that much kept', async () => {
    await using small = await startCorral({ env: { CORRAL_OUTPUT_BYTES: String(MIB) } });
    const answer = await small.call('execute_command', { command: ['yes'] });
    expect(answer).toMatchObject({ outcome: { kind: 'output_limit' }, stdout: { bytes: MIB, truncated: true } });
    expect(answer['hints'].join(' ')).toMatch(/more than is kept/);
    expect((await small.call('execute_command', { command: 'echo on' }))['stdout'].text).toBe('on\n');
  });

  it('of `yes` for 10 s leaves the server small and quick', async () => {
    const { execution_id } = await run('yes | while :; do head -c 10000000; sleep 0.2; done', { wait_seconds: 0, timeout_seconds: 10 });
    let slowest = 0;
    for (let round = 0; round < 10; round += 1) {
      const started = performance.now();
      expect((await run('echo quick'))['stdout'].text).toBe('quick\n');
      slowest = Math.max(slowest, performance.now() - started);
      await corral.call('wait', { execution_id, wait_seconds: 0.5 });
    }
    const ended = await corral.call('wait', { execution_id, wait_seconds: 20 });
    expect(ended).toMatchObject({ outcome: { kind: 'timed_out' }, stdout: { truncated: true } });
    expect(ended['stdout'].bytes).toBeGreaterThan(50 * MIB);
    expect(slowest).toBeLessThan(1000);
    expect(rssBytes()).toBeLessThan(300 * MIB);
  }, 40_000);
});
