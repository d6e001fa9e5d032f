import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Place } from './support/program.ts';
import { openPlace } from './support/program.ts';

let place: Place;
beforeAll(async () => {
  place = await openPlace();
}, 120_000);
afterAll(async () => {
  await place.endSandboxes();
  place[Symbol.dispose]();
}, 60_000);

const STAMP = '\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}\\+00:00';
const UTC = { env: { TZ: 'UTC' } };

const start = async (script: string): Promise<string> => (await place.run(['run', '--detach', script])).stdout.trim();
const finished = async (script: string): Promise<string> => {
  const ended = await place.run(['run', '--json', script]);
  return JSON.parse(ended.stdout).execution_id;
};

describe('corral logs', () => {
  it('follows with stamps until the end, whole lines only, and ends with 0', async () => {
    const id = await start('echo one; sleep 0.6; printf tw; sleep 0.4; echo o; echo oops >&2; printf rest; exit 3');
    await using follower = place.start(['logs', '-f', '-t', id], UTC);
    const { code, stdout, stderr } = await follower.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${STAMP} one\n${STAMP} two\n${STAMP} rest\n$`));
    expect(stderr).toMatch(new RegExp(`^${STAMP} oops\n$`));
    const times = [...stdout.matchAll(new RegExp(STAMP, 'g'))].map(([text]) => Date.parse(text));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(500);
    const again = await place.run(['logs', '-t', id], UTC);
    expect(again.stdout.replace(/^\S+ /gm, '')).toBe('one\ntwo\nrest\n');
    const zone = await place.run(['logs', '-t', '--stdout', '--tail', '1', id], { env: { TZ: 'Asia/Kolkata' } });
    expect(zone.stdout).toMatch(/^\S+\+05:30 rest\n$/);
  });

  it('cuts by time, by lines and by stream', async () => {
    const id = await finished('echo early; sleep 0.8; echo late; echo bad >&2');
    expect((await place.run(['logs', '--since', '+600ms', id])).stdout).toBe('late\n');
    expect((await place.run(['logs', '--until', '+400ms', id])).stdout).toBe('early\n');
    expect((await place.run(['logs', '--since', '1h', '--tail', '1', '--stdout', id])).stdout).toBe('late\n');
    expect((await place.run(['logs', '--stderr', id])).stdout).toBe('bad\n');
    expect((await place.run(['logs', '--since', '+600ms', '--grep', 'a', id])).stdout).toBe('2:late\n3:bad\n');
    expect((await place.run(['logs', '--since', '2200-01-01', id])).stdout).toBe('');
    const asOf = (await place.run(['logs', '--time-format', '%s|', '--grep', 'early', '--stdout', id], UTC)).stdout;
    expect(asOf).toMatch(/^\d{10}\| 1:early\n$/);
  });

  it('gives lines as JSON, and other encodings as text', async () => {
    const id = await finished(String.raw`printf '\xe9t\xe9\n\x1b[31mred\x1b[0m\n'`);
    const lines = (await place.run(['logs', '--json', '--encoding', 'latin1', id])).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      { time: expect.stringMatching(/^\d{4}-.*Z$/), stream: 'stdout', text: 'été' },
      { time: expect.any(String), stream: 'stdout', text: 'red' },
    ]);
    expect((await place.run(['logs', '--encoding', 'latin1', '--raw', id])).stdout).toBe('été\n\u001b[31mred\u001b[0m\n');
    expect((await place.run(['logs', '--encoding', 'latin1', '--grep', '^é', id])).stdout).toBe('1:été\n');
  });

  it.each([
    [['--encoding', 'klingon'], 'encoding: there is no encoding "klingon".'],
    [['--since', 'soon'], 'since: "soon" is no time.'],
    [['--since', '1m', '--until', '2m'], 'until lies before since.'],
    [['--stream', 'both '], '--stream: there is no stream "both ".'],
    [['--tail', '-1'], '--tail: "-1" is not a number.'],
    [['-f', '--grep', 'x'], '--grep looks at what is there; it does not follow.'],
  ])('refuses %j by name', async (args, message) => {
    const id = await finished('true');
    const { code, stderr } = await place.run(['logs', ...args, id]);
    expect({ code, first: stderr.split('\n')[0] }).toEqual({ code: 2, first: `corral: ${message}` });
  });

  it('ends cleanly with Ctrl-C, and when its reader goes away', async () => {
    const id = await start('while :; do echo tick; sleep 0.05; done');
    await using follower = place.start(['logs', '-f', id]);
    await follower.said('tick');
    follower.kill('SIGINT');
    expect(await follower.ended).toMatchObject({ code: 130, stderr: '' });
    for (const more of [[], ['-t']]) {
      await using reader = place.start(['logs', '-f', ...more, id]);
      await reader.said('tick');
      reader.closeOutput();
      expect(await reader.ended).toMatchObject({ code: 141, stderr: '' });
    }
    expect((await place.run(['kill', id])).code).toBe(0);
  });

  it('stops following when --until is there', async () => {
    const id = await start('echo first; sleep 60');
    const { code, stdout } = await place.run(['logs', '-f', '--until', '+1s', id]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'first\n' });
    expect((await place.run(['kill', id])).code).toBe(0);
  });
});
