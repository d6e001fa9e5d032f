import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { encodeConfiguration } from '../../../../src/drivers/sandbox/supervisor/configuration.ts';
import { createSupervisorLauncher } from '../../../../src/drivers/sandbox/supervisor/launcher.ts';
import { identify } from '../../../../src/drivers/sandbox/supervisor/process-identity.ts';
import { createSecrets } from '../../../../src/drivers/sandbox/supervisor/secrets.ts';
import { describeSupervisorContract } from '../../../contract/supervisor.ts';
import { temporaryState } from '../../../support/sandboxes.ts';
import { supervisorPath } from '../../../support/supervisor.ts';

describeSupervisorContract('corral-supervisor, a plain process', async () => {
  const state = temporaryState();
  const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
  const secrets = await createSecrets(state.path);
  const socketPath = join(state.path, 'sock');
  mkdirSync(join(state.path, 'log'));
  const launched = await launcher.launch({
    sandbox: 'contract',
    socketPath,
    logFolder: join(state.path, 'log'),
    journalPath: join(state.path, 'journal'),
    bootLogPath: join(state.path, 'boot.log'),
    configuration: encodeConfiguration({
      walked: [],
      scratch: [],
      spec: { id: 'contract', leaseMs: 60_000, lifetimeMs: 120_000, limits: {} },
      secrets,
      roots: [state.workspace],
      maxExecutions: 16,
      watched: [state.workspace],
    }),
    cgroups: [],
    stagingFolder: '',
    staged: [],
    argv: [supervisorPath(), 'serve'],
    env: [],
    data: [],
  });
  const process = (await identify(launched.pid))!;
  return {
    socketPath,
    folder: state.path,
    secrets,
    [Symbol.asyncDispose]: async () => {
      await launcher.kill(process).catch(() => {}); // it may have ended by itself
      await launched.ended;
      await launcher[Symbol.asyncDispose]();
      state[Symbol.dispose]();
    },
  };
});
