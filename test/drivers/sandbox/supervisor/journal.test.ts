import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { FrameWriter } from '../../../../src/drivers/sandbox/supervisor/frames.ts';
import { readJournal, recall } from '../../../../src/drivers/sandbox/supervisor/journal.ts';
import { EVENT, JOURNAL_START } from '../../../../src/drivers/sandbox/supervisor/protocol.ts';
import { exitPayload } from '../../../support/exit-payload.ts';
import type { ExitFields } from '../../../support/exit-payload.ts';
import { temporaryState } from '../../../support/sandboxes.ts';

/** As a server that spoke version 1 only wrote it. */
const OLD_HANDLE = {
  version: 1,
  form: 'plain',
  supervisor: { pid: 2, startTicks: 1 },
  launched: { pid: 2, startTicks: 1 },
  deadlineMs: 0,
  roots: ['/w'],
  limits: {},
  environment: {},
};

const start = (execution: string): Buffer => new FrameWriter().head(JOURNAL_START, 0).str(execution).u32(7).u64(1000).str('meta').finish();

const NUMBERS = [1000, 2500, 1, 2, 3, 40, 0, 2, 0];

const exit = (execution: string, code: number, fields: ExitFields = {}, version?: number): Buffer =>
  new FrameWriter()
    .head(EVENT.exit, 0)
    .bytes(exitPayload(execution, { code, numbers: NUMBERS, io: [4096, 512, 6, 7], ...fields }, version))
    .finish();

let folder: string;
beforeEach(() => {
  const state = temporaryState();
  onTestFinished(() => state[Symbol.dispose]());
  folder = state.path;
});
const write = (...records: readonly Uint8Array[]): void => writeFileSync(join(folder, 'journal'), Buffer.concat(records));

describe('the journal', () => {
  test('tells what started, what ended and how, in order', async () => {
    write(start('a'), start('b'), exit('a', 3));
    expect(await readJournal(folder)).toEqual([
      {
        execution: 'a',
        pid: 7,
        startedMs: 1000,
        meta: 'meta',
        stdoutBytes: 40,
        stderrBytes: 0,
        exit: {
          execution: 'a',
          outcome: { kind: 'exited', code: 3 },
          step: 0,
          startedMs: 1000,
          durationMs: 2.5,
          usage: {
            userUs: 1,
            systemUs: 2,
            maxRssBytes: 3,
            readBytes: 4096,
            writtenBytes: 512,
            voluntarySwitches: 6,
            involuntarySwitches: 7,
          },
          stdout: { bytes: 40, newlines: 2 },
          stderr: { bytes: 0, newlines: 0 },
          background: 0,
        },
      },
      { execution: 'b', pid: 7, startedMs: 1000, meta: 'meta', stdoutBytes: 0, stderrBytes: 0 },
    ]);
  });

  test('tells the ports and the most processes that were seen', async () => {
    write(start('a'), exit('a', 0, { peakProcesses: 4, ports: [80, 8080] }));
    const [told] = await readJournal(folder);
    expect(told?.exit).toMatchObject({ usage: { peakProcesses: 4 }, ports: [80, 8080] });
  });

  test('of a sandbox from before an upgrade is read as it was written then', async () => {
    write(start('a'), exit('a', 3, {}, 1));
    expect((await readJournal(folder))[0]?.exit).toBeUndefined();
    writeFileSync(join(folder, 'handle.json'), JSON.stringify(OLD_HANDLE));
    expect((await recall(folder))[0]?.exit).toMatchObject({ outcome: { kind: 'exited', code: 3 }, usage: { maxRssBytes: 3 } });
    writeFileSync(join(folder, 'handle.json'), JSON.stringify({ ...OLD_HANDLE, protocol: 2 }));
    expect((await recall(folder))[0]?.exit).toBeUndefined();
  });

  test('torn at any byte tells everything before', async () => {
    const whole = Buffer.concat([start('a'), exit('a', 0), start('b')]);
    const ends = [start('a').length, start('a').length + exit('a', 0).length, whole.length];
    for (let length = 0; length <= whole.length; length += 1) {
      write(whole.subarray(0, length));
      const told = await readJournal(folder);
      expect([told.length, told.filter((one) => one.exit !== undefined).length], `${length} bytes`).toEqual(
        length >= ends[2]! ? [2, 1] : length >= ends[1]! ? [1, 1] : length >= ends[0]! ? [1, 0] : [0, 0],
      );
    }
  });

  test('ends where it makes no sense', async () => {
    write(start('a'), new FrameWriter().head(0x77, 0).finish(), start('b'));
    expect((await readJournal(folder)).map(({ execution }) => execution)).toEqual(['a']);
    write(start('a'), start('../x'), start('b'));
    expect((await readJournal(folder)).map(({ execution }) => execution)).toEqual(['a']);
    write(start('a'), Buffer.from([0xff, 0xff, 0xff, 0xff]));
    expect(await readJournal(folder)).toHaveLength(1);
  });

  test('of nothing is empty, and an exit without a start tells nothing', async () => {
    expect(await readJournal(folder)).toEqual([]);
    write(exit('a', 0));
    expect(await readJournal(folder)).toEqual([]);
  });

  test('that is a link or a folder is not read', async () => {
    const elsewhere = join(folder, 'elsewhere');
    writeFileSync(elsewhere, start('a'));
    symlinkSync(elsewhere, join(folder, 'journal'));
    expect(await readJournal(folder)).toEqual([]);
    mkdirSync(join(folder, 'two', 'journal'), { recursive: true });
    expect(await readJournal(join(folder, 'two'))).toEqual([]);
  });

  test('larger than one read is read whole', async () => {
    const count = 3000;
    write(...Array.from({ length: count }, (_, index) => [start(`e${index}`), exit(`e${index}`, index % 256)]).flat());
    const told = await readJournal(folder);
    expect(told).toHaveLength(count);
    expect(told.at(-1)?.exit?.outcome.code).toBe((count - 1) % 256);
  });
});
