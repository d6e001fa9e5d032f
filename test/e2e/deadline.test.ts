import { expect, it } from 'vitest';
import { startCorral } from './support/corral.ts';

it('a deadline ends what outlives the leader too, and leaves the outcome as it was', async () => {
  await using corral = await startCorral();
  const answer = await corral.call('execute_command', { command: '(setsid sleep 60 &) ; echo gone', timeout_seconds: 1 });
  expect(answer).toMatchObject({ status: 'finished', outcome: { kind: 'exited', code: 0 }, stdout: { text: 'gone\n' } });
  const sleeping = 'for p in /proc/[0-9]*; do read -r n < $p/comm; [ "$n" = sleep ] && echo $p; done; true';
  expect((await corral.call('execute_command', { command: sleeping }))['stdout'].text).toMatch(/^\/proc\/\d+\n$/);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect((await corral.call('execute_command', { command: sleeping }))['stdout']).toBeUndefined();
});
