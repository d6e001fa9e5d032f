import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Place } from './support/program.ts';
import { openPlace } from './support/program.ts';

let place: Place;
beforeAll(async () => {
  place = await openPlace();
}, 120_000);
afterAll(async () => {
  const { sandboxes } = JSON.parse((await place.run(['sandbox', 'ls', '--json'])).stdout);
  for (const { sandbox_id } of sandboxes) await place.run(['sandbox', 'rm', sandbox_id]);
  place[Symbol.dispose]();
}, 60_000);

const start = async (script: string): Promise<string> => (await place.run(['run', '--detach', '--pty', script])).stdout.trim();
const status = async (id: string): Promise<string> => {
  const { executions } = JSON.parse((await place.run(['ps', '--all', '--json'])).stdout);
  return executions.find((one: { execution_id: string }) => one.execution_id === id)?.status;
};

describe('corral attach', () => {
  it('shows the prompt that is there, passes input on, and ends with the exit code of the program', async () => {
    const id = await start('printf "name? "; read name; echo "hello, $name"; exit 4');
    await using attached = place.start(['attach', id], { openInput: true });
    await attached.said('name? ');
    attached.write('Ada\r');
    const { code, stdout, stderr } = await attached.ended;
    expect({ code, stderr }).toEqual({ code: 4, stderr: '' });
    expect(stdout).toContain('hello, Ada');
  });

  it('leaves it running after Ctrl-P Ctrl-Q, also when they come apart, and takes a Ctrl-P alone for the program', async () => {
    const id = await start('stty -echo; echo ready; read line; printf %s "$line" | od -An -tx1; read more; echo end');
    await using first = place.start(['attach', id], { openInput: true });
    await first.said('ready');
    first.write('a\u0010');
    first.write('b\r');
    await first.said('61 10 62');
    first.write('\u0010');
    first.write('\u0011never seen\r');
    const left = await first.ended;
    expect(left.code).toBe(0);
    expect(left.stderr).toContain(`corral attach ${id}`);
    expect(await status(id)).toBe('running');
    await using second = place.start(['attach', id], { openInput: true });
    await second.said('61 10 62');
    second.write('\r');
    expect((await second.ended).stdout).toContain('end');
  });

  it('looks only with --no-stdin, and leaves on a signal', async () => {
    const id = await start('echo begun; sleep 30');
    await using looker = place.start(['attach', '--no-stdin', id]);
    await looker.said('begun');
    looker.kill('SIGTERM');
    expect((await looker.ended).code).toBe(0);
    expect(await status(id)).toBe('running');
    expect((await place.run(['kill', id])).code).toBe(0);
    const late = await place.run(['attach', id]);
    expect(late.code).toBe(1);
    expect(late.stderr).toMatch(/has ended\.\nhint: `corral logs/);
  });
});
