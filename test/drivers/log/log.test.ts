import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bundle } from '../../faces/mcp/support/bundle.ts';
import { bundle } from '../../faces/mcp/support/bundle.ts';

let program: Bundle;
beforeAll(async () => {
  program = await bundle(new URL('./program.ts', import.meta.url).pathname);
});
afterAll(() => program[Symbol.asyncDispose]());

type Reader = 'reads' | 'never reads' | 'has gone';

const run = (
  args: readonly string[],
  reader: Reader = 'reads',
): Promise<{ code: number | null; lines: string[]; stdout: string; ms: number }> =>
  new Promise((resolve) => {
    const since = performance.now();
    const child = spawn(process.execPath, [program.file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    if (reader === 'reads') child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    else if (reader === 'has gone') child.stderr.destroy();
    else child.stderr.pause();
    // A stream that nobody reads never closes.
    child.once(reader === 'reads' ? 'close' : 'exit', (code: number | null) => {
      clearTimeout(timer);
      resolve({ code, lines: stderr.split('\n').filter((line) => line !== ''), stdout, ms: performance.now() - since });
      child.stderr.destroy();
    });
  });

const LEVELS = ['debug', 'info', 'warn', 'error'];

describe('the log', () => {
  it.each(['debug', 'info', 'warn', 'error', 'silent'])('at %s says that and what is worse', async (level) => {
    const { code, lines } = await run([level, 'all', '300', 'all']);
    const once = level === 'silent' ? [] : LEVELS.slice(LEVELS.indexOf(level));
    expect(code).toBe(0);
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      [...once, ...once].map((name) => ({
        level: name,
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        pid: expect.any(Number),
        about: name,
        msg: `a line of ${name}`,
      })),
    );
  });

  it('writes what was said last before the process ends, loaded or not', async () => {
    for (const acts of [
      ['all', 'exit'],
      ['all', '300', 'all', 'exit'],
    ]) {
      const { code, lines } = await run(['debug', ...acts]);
      expect(code).toBe(3);
      expect(lines.map((line) => JSON.parse(line).msg).filter((text) => text === 'a line of error')).toHaveLength(acts.length / 2);
    }
  });

  it('keeps one line a line, whatever is in it', async () => {
    for (const acts of [
      ['odd', 'exit'],
      ['all', '300', 'odd', '100'],
    ]) {
      const { lines } = await run(['error', ...acts]);
      expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ level: 'error', msg: 'two\nlines' });
    }
  });

  it('ends at once when nobody reads any more', async () => {
    for (const acts of [
      ['flood', 'exit'],
      ['all', '300', 'flood', 'exit'],
      ['all', '300', 'flood', '300', 'all', '50'],
    ]) {
      const { code, ms } = await run(['error', ...acts], 'has gone');
      expect(code).toBe(acts.includes('exit') ? 3 : 0);
      expect(ms).toBeLessThan(3000);
    }
  });

  it('never holds up the process when its reader does not read', async () => {
    const { code, stdout, ms } = await run(['error', 'all', '300', 'flood', 'loop-delay', 'all', 'loop-delay', 'exit'], 'never reads');
    expect(code).toBe(3);
    expect(ms).toBeLessThan(3000);
    const delays = stdout.trim().split('\n').map(Number);
    expect(delays).toHaveLength(2);
    expect(Math.max(...delays)).toBeLessThan(250);
  });

  it('says how many lines were dropped', async () => {
    const { lines } = await run(['error', 'all', '300', 'flood', '500', 'all', '100']);
    const told = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'log lines were dropped');
    expect(told.dropped + lines.filter((line) => line.includes('"much"')).length).toBe(20_000);
  });
});
