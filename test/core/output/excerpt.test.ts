import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { excerpt, share } from '../../../src/core/output/excerpt.ts';
import { someBytes } from '../../support/bytes.ts';
import { memoryLogs, newlinesIn } from './logs.ts';

const sourceOf = (stdout: Uint8Array, stderr: Uint8Array) => ({
  record: {
    id: 'x1',
    sandbox: 's1',
    stdout: { newlines: newlinesIn(stdout) },
    stderr: { newlines: newlinesIn(stderr) },
  },
  exit: undefined,
  stdoutBytes: stdout.length,
  stderrBytes: stderr.length,
});

const excerptOf = (stdout: string | Uint8Array, budget: number, stderr: string | Uint8Array = '') => {
  const [out, err] = [Buffer.from(stdout as string), Buffer.from(stderr as string)];
  return excerpt(memoryLogs({ stdout: out, stderr: err }).logs, sourceOf(out, err), budget);
};

describe('excerpts', () => {
  test('small output is shown whole and says nothing more than it must', async () => {
    expect(await excerptOf('hello\nworld', 1_000)).toEqual({ stdout: { text: 'hello\nworld', bytes: 11, lines: 2 }, stderr: undefined });
  });

  test('large output keeps head and tail at line ends, and counts what is left out', async () => {
    const lines = Array.from({ length: 100_000 }, (_, index) => `line ${index + 1}\n`);
    const { stdout } = await excerptOf(lines.join(''), 4_000);
    const text = stdout?.text ?? '';
    const shown = text.split('\n');
    expect(shown[0]).toBe('line 1');
    expect(shown.at(-2)).toBe('line 100000');
    const [, bytes, left, cursor] =
      /^… ([\d,]+) bytes \(([\d,]+) lines\) left out; read_output with cursor "([^"]+)" shows them …$/m.exec(text) ?? [];
    expect(stdout).toMatchObject({ truncated: true, nextCursor: cursor, bytes: lines.join('').length, lines: 100_000 });
    expect(Number(left?.replaceAll(',', '')) + shown.length - 2).toBe(100_000);
    expect(Number(bytes?.replaceAll(',', ''))).toBe(
      lines.join('').length - (Buffer.byteLength(text) - (shown.find((line) => line.startsWith('…')) ?? '').length - 5),
    );
    expect(Buffer.byteLength(text)).toBeLessThan(4_200);
  });

  test('reads no more than it needs to fill the answer after folding, however large the output', async () => {
    const { logs, reads } = memoryLogs({ stdout: Buffer.alloc(50_000_000, 'a line of text\n') });
    const shown = await excerpt(logs, { ...sourceOf(new Uint8Array(), new Uint8Array()), stdoutBytes: 50_000_000 }, 32_768);
    expect(shown.stdout?.truncated).toBe(true);
    expect(reads.reduce((sum, read) => sum + read, 0)).toBeLessThanOrEqual((64 + 128 + 256) * 1024);
    const varied = memoryLogs({
      stdout: Buffer.from(Array.from({ length: 500_000 }, (_, index) => `${index * 7_919} is a line\n`).join('')),
    });
    await excerpt(varied.logs, { ...sourceOf(new Uint8Array(), new Uint8Array()), stdoutBytes: 9_000_000 }, 32_768);
    expect(varied.reads.reduce((sum, read) => sum + read, 0)).toBe(65_536);
  });

  test('noise makes room for what is further in', async () => {
    const noise = Array.from({ length: 3_000 }, () => 'waiting for the other side to come up\n').join('');
    const { stdout } = await excerptOf(`${noise}error: it never came\n${noise}`, 32_768);
    expect(stdout?.text).toContain('error: it never came\n');
    expect(stdout?.truncated).toBeUndefined();
    expect(stdout).toMatchObject({ bytes: noise.length * 2 + 21, lines: 6_001 });
    expect(stdout?.text.length).toBeLessThan(1_000);
  });

  test('a line longer than the budget is cut inside, never inside a character', async () => {
    for (let shift = 0; shift < 4; shift += 1) {
      const { stdout } = await excerptOf('x'.repeat(shift) + '😀'.repeat(5_000), 2_001);
      expect(stdout?.binary).toBeUndefined();
      expect(stdout?.text).not.toContain('\\x');
      expect(stdout?.truncated).toBe(true);
    }
  });

  test('binary output is named as such and stays within its room', async () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7919 + (index >> 8) * (index % 13)) % 256);
    const { stdout } = await excerptOf(bytes, 8_000);
    expect(stdout).toMatchObject({ binary: true, truncated: true });
    expect(Buffer.byteLength(stdout?.text ?? '')).toBeLessThan(4 * 8_000);
    expect(JSON.parse(JSON.stringify(stdout))).toEqual(stdout);
  });

  test('what one stream does not need, the other has', () => {
    expect(share(10, 20, 100)).toEqual({ stdout: 10, stderr: 20 });
    expect(share(1_000, 20, 100)).toEqual({ stdout: 80, stderr: 20 });
    expect(share(20, 1_000, 100)).toEqual({ stdout: 20, stderr: 80 });
    expect(share(1_000, 1_000, 100)).toEqual({ stdout: 50, stderr: 50 });
  });

  test('output that still grows can be read on from its end', async () => {
    const { logs } = memoryLogs({ stdout: 'so far' });
    const source = { record: { id: 'x1', sandbox: 's1' }, exit: undefined, stdoutBytes: 6, stderrBytes: 0 };
    expect((await excerpt(logs, source, 100)).stdout).toMatchObject({ text: 'so far', nextCursor: 'o:6' });
  });

  test('counts are true for any bytes and any budget', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(someBytes, { maxLength: 20 }), fc.integer({ min: 64, max: 3_000 }), async (parts, budget) => {
        const bytes = Buffer.concat(parts);
        const { stdout } = await excerptOf(bytes, budget);
        expect(stdout === undefined).toBe(bytes.length === 0);
        if (stdout === undefined) return;
        const newlines = newlinesIn(bytes);
        expect(stdout.bytes).toBe(bytes.length);
        expect(stdout.lines).toBe(newlines + (bytes.at(-1) === 10 ? 0 : 1));
        if (stdout.truncated !== true) return;
        const found = /^… ([\d,]+) bytes(?: \(([\d,]+) lines\))? left out; read_output with cursor "o:(\d+)" shows them …$/m.exec(
          stdout.text,
        );
        const left = Number(found?.[1]?.replaceAll(',', ''));
        const head = Number(found?.[3]);
        expect(left).toBeGreaterThan(0);
        expect(newlinesIn(bytes.subarray(head, head + left))).toBe(Number(found?.[2]?.replaceAll(',', '') ?? 0));
      }),
      { numRuns: 500 },
    );
  });
});
