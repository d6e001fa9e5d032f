import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmulators, type Emulators } from '../../../src/core/terminal/emulators.ts';
import type { ScreenJob } from '../../../src/core/terminal/protocol.ts';

const SIZE = { at: 0, cols: 20, rows: 5 };

const jobOf = (text: string | Uint8Array, change: Partial<ScreenJob> = {}): Omit<ScreenJob, 'id'> => {
  const data = Buffer.from(text as string);
  return { screen: 'x', source: { data }, sizes: [SIZE], to: data.length, answerFrom: Infinity, ...change };
};

const draw = async (text: string, change: Partial<ScreenJob> = {}, emulators: Emulators = createEmulators()) =>
  (await emulators.draw(jobOf(text, change))).snapshot;

describe('a screen', () => {
  it('is what a person would see, without blanks at the end', async () => {
    expect(await draw('one   \r\n\x1b[31mtwo\x1b[0m\r\nthree\x1b[2;1Hdeux ')).toEqual({
      text: 'one\ndeux\nthree',
      row: 2,
      col: 6,
      cols: 20,
      rows: 5,
      alternate: false,
      title: '',
      applicationCursor: false,
      line: 'deux',
      partial: false,
    });
  });

  it('tells a full-screen program, its title without controls, and its cursor keys', async () => {
    expect(await draw('\x1b[?1049h\x1b[?1h\x1b]0;file - VIM\x07\x1b[5;1H:wq')).toMatchObject({
      text: '\n\n\n\n:wq',
      alternate: true,
      title: 'file - VIM',
      applicationCursor: true,
      line: ':wq',
    });
    expect(await draw('\x1b[?1049hfull\x1b[?1049lback')).toMatchObject({ text: 'back', alternate: false });
  });

  it('gives the line of the cursor over the rows that it fills, or the last one above that says something', async () => {
    expect((await draw(`first\r\n${'password for someone: '.repeat(2)}`)).line).toBe('password for someone: password for someone:');
    expect((await draw('Name?\r\n\r\n')).line).toBe('Name?');
    expect((await draw('')).line).toBe('');
  });

  it('draws on from where it was, and anew when the output is another one', async () => {
    const emulators = createEmulators();
    await emulators.draw(jobOf('abc', { to: 2 }));
    // What was drawn is not read again.
    expect((await emulators.draw(jobOf('XYc'))).snapshot.text).toBe('abc');
    expect((await emulators.draw(jobOf('new', { to: 1 }))).snapshot.text).toBe('n');
  });

  it('lays out what was printed by the size that held then', async () => {
    const sizes = [SIZE, { at: 6, cols: 10, rows: 3 }];
    expect(await draw('123456', { sizes })).toMatchObject({ cols: 10, rows: 3, text: '123456' });
    expect(await draw('123456789012345', { sizes })).toMatchObject({ text: '1234567890\n12345' });
    expect(await draw('123456789012345', { sizes, to: 3 })).toMatchObject({ cols: 20, text: '123' });
  });

  it('has invalid bytes as a terminal shows them, also across pieces', async () => {
    const emulators = createEmulators();
    const data = Buffer.from('a€b\xff', 'utf8');
    await emulators.draw(jobOf(data, { to: 2 }));
    expect((await emulators.draw(jobOf(data))).snapshot.text).toBe('a€bÿ');
  });
});

describe('answers of the terminal', () => {
  const QUERIES = '\x1b[6n\x1b[c\x1b[5n';

  it('are those of a terminal, where there is somebody to give them', async () => {
    const { answers } = await createEmulators().draw(jobOf(`ab${QUERIES}`, { answerFrom: 0 }));
    expect(answers).toBe('\x1b[1;3R\x1b[?1;2c\x1b[0n');
    expect((await createEmulators().draw(jobOf(QUERIES))).answers).toBe('');
  });

  it('are given to what was asked from a byte on, and never to what was asked before', async () => {
    const text = `\x1b[5n\x1b[c`;
    expect((await createEmulators().draw(jobOf(text, { answerFrom: 4 }))).answers).toBe('\x1b[?1;2c');
    const emulators = createEmulators();
    await emulators.draw(jobOf(text, { to: 4, answerFrom: 0 }));
    expect((await emulators.draw(jobOf(text, { answerFrom: 4 }))).answers).toBe('\x1b[?1;2c');
  });

  it('never name the title, which the program chose', async () => {
    const { answers } = await createEmulators().draw(jobOf('\x1b]0;rm -rf ~\x07\x1b[21t\x1b[20t', { answerFrom: 0 }));
    expect(answers).toBe('');
  });
});

describe('much output', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'corral-screens-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is drawn from its end, from the beginning of a line, and that is said', async () => {
    const path = join(folder, 'big.out');
    const line = Buffer.from('\x1b[1mfive hundred twelve\x1b[0m\n'.padEnd(512, 'x'));
    const data = Buffer.concat([...Array.from({ length: 20_000 }, () => line), Buffer.from('\r\nthe end')]);
    writeFileSync(path, data);
    const started = performance.now();
    const { snapshot } = await createEmulators().draw(jobOf('', { source: { path }, to: data.length }));
    expect(snapshot).toMatchObject({ partial: true });
    expect(snapshot.text.endsWith('the end')).toBe(true);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('that is gone leaves what was drawn', async () => {
    const path = join(folder, 'gone.out');
    const emulators = createEmulators();
    writeFileSync(path, 'here');
    await emulators.draw(jobOf('', { source: { path }, to: 4 }));
    rmSync(path);
    expect((await emulators.draw(jobOf('', { source: { path }, to: 9 }))).snapshot.text).toBe('here');
    expect((await createEmulators().draw(jobOf('', { source: { path }, to: 9 }))).snapshot.text).toBe('');
  });

  it('of many executions takes bounded room: who was not looked at for longest is drawn anew', async () => {
    const emulators = createEmulators();
    for (let index = 0; index <= 64; index += 1) await emulators.draw(jobOf('first', { screen: `s${index}` }));
    expect((await emulators.draw(jobOf('other', { screen: 's0' }))).snapshot.text).toBe('other');
    expect((await emulators.draw(jobOf('other', { screen: 's64' }))).snapshot.text).toBe('first');
  });
});
