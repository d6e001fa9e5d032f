import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Place } from './support/program.ts';
import { openPlace } from './support/program.ts';

let place: Place;
beforeAll(async () => {
  place = await openPlace();
}, 120_000);
afterAll(() => place[Symbol.dispose]());

it('kill sends what ends nothing to the program, ends with what ends, and refuses the rest by name', { timeout: 60_000 }, async () => {
  const host = ['--driver', 'host'];
  await using running = place.start([
    'run',
    ...host,
    'trap "echo got it" USR1; trap "echo bye; exit 7" TERM; echo ready; while :; do sleep 0.05; done',
  ]);
  await running.said('ready');
  const [{ execution_id: id }] = JSON.parse((await place.run(['ps', '--json'])).stdout).executions;
  expect(await place.run(['kill', '-s', 'usr1', id])).toMatchObject({ code: 0, stdout: `${id}  sent SIGUSR1\n` });
  await running.said('got it');
  const refused = await place.run(['kill', '-s', 'SIGNOTHING', id]);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toMatch(/^corral: signal: there is no signal "SIGNOTHING"\.\nhint: Use one of SIGHUP, .*SIGUSR1/);
  expect(JSON.parse((await place.run(['ps', '--json'])).stdout).executions).toHaveLength(1);
  expect(await place.run(['kill', '-s', '15', id])).toMatchObject({ code: 0, stdout: `${id}  cancelled\n` });
  expect((await running.ended).stdout).toBe('ready\ngot it\nbye\n');
});
