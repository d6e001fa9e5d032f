import { describe, expect, it } from 'vitest';
import type { LogRun, LogStore } from '../../../src/ports/logs.ts';
import { tailPositions } from '../../../src/faces/cli/logs-tail.ts';
import { createOutputCopier } from '../../../src/faces/cli/output-copier.ts';

const REF = { sandbox: 's', execution: 'x' };

/** Kept output of pieces, in this order; `told` of them are in the record of the order. */
const kept = (pieces: readonly (readonly ['stdout' | 'stderr', string])[], told = pieces.length) => {
  const bytes = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  for (const [stream, text] of pieces) bytes[stream] = Buffer.concat([bytes[stream], Buffer.from(text)]);
  const order: LogRun[] = pieces.slice(0, told).map(([stream, text], index) => ({ stream, bytes: Buffer.byteLength(text), atMs: index }));
  const logs: Pick<LogStore, 'read' | 'order'> = {
    read: (_ref, stream, offset, length) => Promise.resolve(bytes[stream].subarray(offset, offset + length)),
    order: () => Promise.resolve(order),
  };
  const sizes = { stdout: bytes.stdout.length, stderr: bytes.stderr.length };
  return { logs: logs as LogStore, sizes, bytes };
};

const sink = (said: string[], mark: string) => (data: Uint8Array) => {
  said.push(`${mark}${Buffer.from(data).toString()}`);
  return Promise.resolve();
};

describe('the copier', () => {
  it('gives the streams in the order of arrival, and what the order does not tell behind it', async () => {
    const { logs, sizes } = kept(
      [
        ['stdout', 'a'],
        ['stderr', 'b'],
        ['stdout', 'c'],
        ['stderr', 'd'],
      ],
      3,
    );
    const said: string[] = [];
    const one = sink(said, '');
    await createOutputCopier(logs, REF, { stdout: one, stderr: one }, { stdout: 0, stderr: 0 }).copyTo(sizes);
    expect(said.join('')).toBe('abcd');
  });

  it('gives each byte once, however the news of it came', async () => {
    const { logs, bytes, sizes } = kept([
      ['stdout', 'one two '],
      ['stderr', 'oops '],
      ['stdout', 'three'],
    ]);
    const said = { stdout: '', stderr: '' };
    const into = (stream: 'stdout' | 'stderr') => (data: Uint8Array) => {
      said[stream] += Buffer.from(data).toString();
      return Promise.resolve();
    };
    const copier = createOutputCopier(logs, REF, { stdout: into('stdout'), stderr: into('stderr') }, { stdout: 0, stderr: 0 });
    for (const upTo of [{ stdout: 3, stderr: 0 }, { stdout: 3, stderr: 2 }, { stdout: 10, stderr: 5 }, sizes, sizes])
      await copier.copyTo(upTo);
    expect(said).toEqual({ stdout: bytes.stdout.toString(), stderr: bytes.stderr.toString() });
  });

  it('leaves out a stream that nobody wants, and stops where a log was cut', async () => {
    const { logs, sizes } = kept([
      ['stdout', 'a'],
      ['stderr', 'b'],
    ]);
    const said: string[] = [];
    await createOutputCopier(logs, REF, { stderr: sink(said, '2') }, { stdout: 0, stderr: 0 }).copyTo({ ...sizes, stderr: 99 });
    expect(said).toEqual(['2b']);
  });
});

describe('the last lines', () => {
  const pieces = [
    ['stdout', 'a\nb\n'],
    ['stderr', 'c\n'],
    ['stdout', 'd\ne\n'],
  ] as const;

  it.each([
    [0, { stdout: 8, stderr: 2 }],
    [1, { stdout: 6, stderr: 2 }],
    [2, { stdout: 4, stderr: 2 }],
    [3, { stdout: 4, stderr: 0 }],
    [4, { stdout: 2, stderr: 0 }],
    [5, { stdout: 0, stderr: 0 }],
    [99, { stdout: 0, stderr: 0 }],
  ])('%d of both streams', async (lines, positions) => {
    const { logs, sizes } = kept(pieces);
    expect(await tailPositions(logs, REF, ['stdout', 'stderr'], sizes, lines)).toEqual(positions);
  });

  it('count a line without its newline, and look beyond one read', async () => {
    const long = `first\n${'x'.repeat(200_000)}\nlast`;
    const { logs, sizes } = kept([['stdout', long]]);
    const at = async (lines: number) => (await tailPositions(logs, REF, ['stdout'], sizes, lines)).stdout;
    expect([await at(1), await at(2), await at(3)]).toEqual([long.length - 4, 6, 0]);
  });
});
