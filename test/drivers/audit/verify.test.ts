import { randomBytes } from 'node:crypto';
import { appendFile, chmod, copyFile, readdir, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS, linesOf, openLog, segmentsOf, stateFolder, verify, write, writeLines } from './support.ts';

/** Changes the only segment, and tells what verification says of it. */
const kindsAfter = async (change: (lines: string[]) => readonly string[]): Promise<readonly string[]> => {
  await using state = await stateFolder();
  await write(state.path, 20);
  const [path = ''] = await segmentsOf(state.path);
  await writeLines(path, change(await linesOf(path)));
  return [...new Set((await verify(state.path)).problems.map(({ kind }) => kind))];
};

const replaced = (lines: readonly string[], index: number, line: string): string[] => lines.map((one, i) => (i === index ? line : one));

describe('a chain', () => {
  it('that nobody touched is whole', async () => {
    await using state = await stateFolder();
    await write(state.path, 50);
    await write(state.path, 50, { chain: 'vtwo' });
    const report = await verify(state.path);
    expect(report).toMatchObject({ ok: true, chains: 2, segments: 2, records: 104, problems: [], notes: [] });
    expect(report.heads.map(({ seq }) => seq)).toEqual([52, 52]);
  });

  it('shows an edit', async () =>
    expect(await kindsAfter((lines) => replaced(lines, 5, (lines[5] ?? '').replace('echo 4', 'echo 5')))).toEqual(['edited']));
  it('shows an edited time', async () =>
    expect(await kindsAfter((lines) => replaced(lines, 5, (lines[5] ?? '').replace('"at":"20', '"at":"19')))).toEqual(['edited']));
  it('shows a line put in between', async () =>
    expect(await kindsAfter((lines) => [...lines.slice(0, 5), lines[3] ?? '', ...lines.slice(5)])).toContain('reordered'));
  it('shows two lines that changed places', async () =>
    expect(await kindsAfter((lines) => replaced(replaced(lines, 5, lines[6] ?? ''), 6, lines[5] ?? ''))).toContain('reordered'));
  it('shows a line taken out', async () => expect(await kindsAfter((lines) => lines.toSpliced(7, 1))).toEqual(['missing_records']));
  it('shows a first line taken out', async () => expect(await kindsAfter((lines) => lines.slice(1))).toContain('reordered'));
  it('shows an end cut off', async () => expect(await kindsAfter((lines) => lines.slice(0, 12))).toEqual(['truncated']));
  it('shows the closing line cut off', async () => expect(await kindsAfter((lines) => lines.slice(0, -1))).toEqual(['truncated']));
  it('shows everything cut off', async () => expect(await kindsAfter(() => [])).toEqual(['truncated']));
  it('shows a line that is none', async () => expect(await kindsAfter((lines) => replaced(lines, 4, '{"hello":1}'))).toContain('edited'));

  it('shows any single byte that was changed', async () => {
    await using state = await stateFolder();
    await write(state.path, 6);
    const [path = ''] = await segmentsOf(state.path);
    const text = (await linesOf(path)).map((line) => `${line}\n`).join('');
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.integer({ min: 1, max: 94 }), async (at, step) => {
        const sign = String.fromCharCode(32 + ((Math.max(0, text.charCodeAt(at) - 32) + step) % 95));
        await writeFile(path, text.slice(0, at) + sign + text.slice(at + 1));
        expect((await verify(state.path)).ok).toBe(sign === text.charAt(at));
      }),
      { numRuns: 150 },
    );
  });

  it('whose last line a crash tore is not called tampered with', async () => {
    await using state = await stateFolder();
    const log = await openLog(state.path);
    log.record({ kind: 'started', call: 'c1' });
    await log.flush();
    const [path = ''] = await segmentsOf(state.path);
    await appendFile(path, '{"mac":"0123');
    const report = await verify(state.path);
    expect(report.ok).toBe(true);
    expect(report.notes.join()).toContain('incomplete');
    await log[Symbol.asyncDispose]();
  });

  it('that is cut within its last line after it was closed is truncated', async () => {
    await using state = await stateFolder();
    await write(state.path, 5);
    const [path = ''] = await segmentsOf(state.path);
    await truncate(path, (await stat(path)).size - 10);
    expect((await verify(state.path)).problems.map(({ kind }) => kind)).toEqual(['truncated']);
  });

  it('cannot be judged with another key', async () => {
    await using state = await stateFolder();
    await write(state.path, 5);
    const keyFile = join(state.path, 'other.key');
    await writeFile(keyFile, randomBytes(32).toString('hex'), { mode: 0o600 });
    const report = await verify(state.path, keyFile);
    expect(report.ok).toBe(false);
    expect(new Set(report.problems.map(({ kind }) => kind))).toEqual(new Set(['wrong_key']));
  });

  it('that goes on with lines of another history under the same key is told', async () => {
    await using one = await stateFolder();
    await using two = await stateFolder();
    await write(one.path, 5);
    await copyFile(join(one.path, 'audit.key'), join(two.path, 'audit.key'));
    await write(two.path, 5);
    const [mine = ''] = await segmentsOf(one.path);
    const [theirs = ''] = await segmentsOf(two.path);
    await writeLines(mine, [...(await linesOf(mine)).slice(0, 3), ...(await linesOf(theirs)).slice(3)]);
    expect((await verify(one.path)).problems.map(({ kind }) => kind)).toEqual(['reordered', 'edited']);
  });

  it('whose lines were marked anew without the key is edited', async () => {
    await using one = await stateFolder();
    await using two = await stateFolder();
    await write(one.path, 5);
    await write(two.path, 5);
    const [mine = ''] = await segmentsOf(one.path);
    const [theirs = ''] = await segmentsOf(two.path);
    await rename(theirs, mine);
    expect((await verify(one.path)).ok).toBe(false);
  });
});

describe('segments', () => {
  const BYTES = 8 * 64 * 1024;

  it('are turned by size and form one chain', async () => {
    await using state = await stateFolder();
    await write(state.path, 1000, { bytes: BYTES });
    expect((await segmentsOf(state.path)).length).toBeGreaterThan(2);
    expect(await verify(state.path)).toMatchObject({ ok: true, notes: [] });
  });

  it.each([
    ['first', 0],
    ['middle', 1],
    ['last', -1],
  ])('show that the %s of them is missing', async (_which, index) => {
    await using state = await stateFolder();
    await write(state.path, 1000, { bytes: BYTES });
    await rm((await segmentsOf(state.path)).at(index) ?? '');
    const report = await verify(state.path);
    expect(report.ok).toBe(false);
    expect(report.problems.some(({ kind }) => kind === (index === -1 ? 'truncated' : 'missing_segment'))).toBe(true);
  });

  it('removed by age are not called missing, and one removed by somebody is', async () => {
    await using state = await stateFolder();
    let now = Date.now() - 10 * DAY_MS;
    const clock = { now: () => now, bytes: BYTES, retentionMs: 5 * DAY_MS };
    await write(state.path, 300, { ...clock, chain: 'vold' });
    const log = await openLog(state.path, clock);
    log.record({ kind: 'started' });
    await log.flush();
    now = Date.now();
    await write(state.path, 10, { ...clock, chain: 'vnew' });
    expect(await log.retain(() => false)).toBeGreaterThan(0);
    await log[Symbol.asyncDispose]();
    expect((await segmentsOf(state.path)).some((path) => path.includes('vold'))).toBe(false);
    expect((await verify(state.path)).problems).toEqual([]);
    await rm((await segmentsOf(state.path)).find((path) => path.includes('vnew')) ?? '');
    expect((await verify(state.path)).ok).toBe(false);
  });

  it('are removed, oldest first, when they are too large together', async () => {
    await using state = await stateFolder();
    await using log = await openLog(state.path, { bytes: BYTES });
    for (let i = 0; i < 4000; i += 1) {
      log.record({ kind: 'started', message: 'x'.repeat(200) });
      if (i % 500 === 0) await log.flush();
    }
    await log.flush();
    const before = (await segmentsOf(state.path)).length;
    const removed = await log.retain(() => true);
    expect(removed).toBeGreaterThan(0);
    expect((await segmentsOf(state.path)).length).toBe(before - removed);
    expect((await verify(state.path)).problems).toEqual([]);
  });

  it('of a chain that is gone whole are missed by the others', async () => {
    await using state = await stateFolder();
    await write(state.path, 5, { chain: 'vgone' });
    const log = await openLog(state.path, { chain: 'vsees' });
    const { anchorsOf } = await import('../../../src/drivers/audit/anchors.ts');
    const { loadKey } = await import('../../../src/drivers/audit/key.ts');
    const folder = join(state.path, 'audit');
    const key = await loadKey({ path: join(state.path, 'audit.key'), make: false });
    log.record({ kind: 'anchored', log: { chains: await anchorsOf(folder, key, 'vsees') } });
    await log[Symbol.asyncDispose]();
    for (const name of await readdir(folder)) if (name.startsWith('vgone')) await rm(join(folder, name));
    expect((await verify(state.path)).problems.map(({ kind, chain }) => [kind, chain])).toEqual([['missing_chain', 'vgone']]);
  });
});

describe('the key', () => {
  it('is made once, private, even by several at once', async () => {
    await using state = await stateFolder();
    await Promise.all(Array.from({ length: 8 }, (_, i) => write(state.path, 3, { chain: `v${i}` })));
    expect((await stat(join(state.path, 'audit.key'))).mode & 0o777).toBe(0o600);
    expect(await verify(state.path)).toMatchObject({ ok: true, chains: 8 });
  });

  it.each([
    [
      'readable by others',
      async (path: string) => {
        await writeFile(path, 'k'.repeat(40));
        await chmod(path, 0o644);
      },
      /read or changed by others/,
    ],
    ['too short', (path: string) => writeFile(path, 'short', { mode: 0o600 }), /holds 5 signs/],
    ['missing', async () => undefined, /does not exist/],
    ['a link', (path: string) => symlink('/etc/passwd', path), /is a link/],
  ])('that is %s is refused', async (_what, make, message) => {
    await using state = await stateFolder();
    const keyFile = join(state.path, 'my.key');
    await make(keyFile);
    await expect(openLog(state.path, { keyFile })).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(message) });
  });
});
