import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';
import type { SandboxCommand, SandboxSpec } from '../../src/ports/sandbox.ts';
import { supervisorPath } from './supervisor.ts';

const script = (spec: SandboxSpec, commands: readonly SandboxCommand[]): string => `
  import { createBubblewrapDriver } from './src/drivers/sandbox/bubblewrap/driver.ts';
  import { createSupervisorLauncher } from './src/drivers/sandbox/supervisor/launcher.ts';
  const supervisorPath = ${JSON.stringify(supervisorPath())};
  const driver = createBubblewrapDriver({ launcher: createSupervisorLauncher({ supervisorPath }), supervisorPath });
  const sandbox = await driver.create(${JSON.stringify(spec)});
  for (const command of ${JSON.stringify(commands)}) await sandbox.start(command);
  process.stdout.write('ready');
  setInterval(() => {}, 1000);
`;

/** A process of its own that makes a sandbox and starts commands in it, so that a test can kill it. Resolves when it has. */
export const startServer = async (spec: SandboxSpec, commands: readonly SandboxCommand[]): Promise<ChildProcess> => {
  const outfile = join(spec.folder, '..', `${spec.id}.server.mjs`);
  await build({
    stdin: { contents: script(spec, commands), resolveDir: join(import.meta.dirname, '..', '..'), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
    logLevel: 'error',
  });
  const child = spawn(process.execPath, [outfile], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error('the server ended before it was ready')));
  });
  return child;
};
