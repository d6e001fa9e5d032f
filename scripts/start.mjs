// `npm start`: from a fresh clone to a server that listens. Arguments go to `corral serve` and win over the defaults here.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, say } from './lib/process.mjs';
import { setUpAndBuild } from './lib/setup.mjs';

const DEFAULTS = { '--transport': 'http', '--bind': '127.0.0.1:3344' };

const given = process.argv.slice(2);
const defaults = Object.entries(DEFAULTS).filter(
  ([flag]) => !given.some((argument) => argument === flag || argument.startsWith(`${flag}=`)),
);

try {
  await setUpAndBuild();
  const server = spawn(process.execPath, [join(ROOT, 'dist/corral.js'), 'serve', ...defaults.flat(), ...given], { stdio: 'inherit' });
  // Ctrl-C reaches the whole foreground group: the server ends in its own order, and this process waits for it.
  process.on('SIGINT', () => {});
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => server.kill(signal));
  server.once('error', (error) => {
    say(`the server could not be started: ${error.message}`);
    process.exitCode = 1;
  });
  server.once('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143);
  });
} catch (error) {
  say(`start failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
