import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Corral, cleanEnvironment, SERVER, startCorral, temporaryFolder } from './support/corral.ts';
import { eventually, isAlive } from './support/processes.ts';

const TEXT = 'alpha\nbeta\ngamma\n';

/** Runs short programs until one had no files: a busy machine may have delayed some beyond their 25 ms. */
const runUnfiled = async (corral: Corral): Promise<string> => {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const { execution_id, sandbox_id } = await corral.call('execute_command', { command: "printf 'alpha\\nbeta\\ngamma\\n'" });
    const files = readdirSync(join(corral.stateDir, 'sandboxes', sandbox_id, 'log')).filter((name) => name.startsWith(execution_id));
    if (files.length === 0) return execution_id;
  }
  throw new Error('twenty short programs had files');
};

const expectAllWaysOfReading = async (corral: Corral, execution_id: string): Promise<void> => {
  const read = async (args: object): Promise<string> =>
    (await corral.call('read_output', { execution_id, stream: 'stdout', ...args }))['stdout'].text;
  expect(await read({})).toBe(TEXT);
  expect(await read({ tail: 1 })).toBe('gamma\n');
  expect(await read({ grep: 'et' })).toBe('2:beta\n');
  const waited = await corral.call('wait', { execution_id, until: { output: 'gam+a' } });
  expect(JSON.stringify(waited)).toContain('gamma');
  const printed = execFileSync(process.execPath, [SERVER, 'logs', execution_id], {
    env: cleanEnvironment({ CORRAL_STATE_DIR: corral.stateDir }),
  });
  expect(printed.toString()).toBe(TEXT);
};

it('small output, which has no files, is read in every way, also by the next server', async () => {
  using state = temporaryFolder();
  let id: string;
  {
    await using corral = await startCorral({ stateDir: state.path });
    id = await runUnfiled(corral);
    await expectAllWaysOfReading(corral, id);
  }
  await using next = await startCorral({ stateDir: state.path });
  await expectAllWaysOfReading(next, id);
});

it('small output outlives a server that is killed right behind its answer', async () => {
  using state = temporaryFolder();
  const killed = await startCorral({ stateDir: state.path });
  const id = await runUnfiled(killed);
  process.kill(killed.pid, 'SIGKILL');
  expect(await eventually(() => !isAlive(killed.pid))).toBe(true);
  await killed.close();
  await using next = await startCorral({ stateDir: state.path });
  await expectAllWaysOfReading(next, id);
});
