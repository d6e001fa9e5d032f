import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { capture } from '../../scripts/lib/process.mjs';
import { ROOT } from './servers.mjs';
import { Session } from './session.mjs';

/**
 * Other servers that run commands, for comparison only: installed beneath build/, never a dependency. Their install scripts do not run.
 * `echo` throws when the call failed; a rival may lose output, so what it printed is not required here.
 */
const RIVALS = [
  {
    name: 'mcp-server-commands',
    dependencies: { 'mcp-server-commands': '0.5.0' },
    entry: 'node_modules/mcp-server-commands/build/index.js',
    echo: (session) => session.call('run_command', { command: 'echo hi' }),
  },
  {
    name: 'desktop-commander',
    dependencies: { '@wonderwhy-er/desktop-commander': '0.2.52' },
    // Its range names a release that not every registry has.
    overrides: { 'typedarray.prototype.slice': '1.0.5' },
    entry: 'node_modules/@wonderwhy-er/desktop-commander/dist/index.js',
    env: { DESKTOP_COMMANDER_DISABLE_TELEMETRY: '1', DC_FLAG_URL: 'http://127.0.0.1:9/' },
    echo: (session) => session.call('start_process', { command: 'echo hi', timeout_ms: 5000 }),
  },
];

const INSTALL_MS = 240_000;

const install = async (rival, folder) => {
  const manifest = JSON.stringify({ private: true, dependencies: rival.dependencies, overrides: rival.overrides });
  const stamp = join(folder, 'installed.json');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === manifest) return undefined; // absent: not installed yet
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), manifest);
  const npm = ['npm', 'install', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, stderr } = await capture(npm, { cwd: folder, timeoutMs: INSTALL_MS });
  if (code !== 0) return stderr.trim().split('\n').slice(0, 2).join(' ') || `npm ended with ${code}`;
  await writeFile(stamp, manifest);
  return undefined;
};

/** PATH with the folder of the real Python in front: a version manager's stand-in costs a rival that asks for it 100 ms a call. */
const fairPath = async () => {
  const { code, stdout } = await capture(['python3', '-c', 'import sys; print(sys.executable)']);
  return code === 0 ? `${dirname(stdout.trim())}:${process.env.PATH}` : process.env.PATH;
};

/** The rivals that are usable here, and for each other why not. */
export const prepareRivals = async () => {
  const PATH = await fairPath();
  const usable = [];
  const skipped = [];
  for (const rival of RIVALS) {
    const folder = join(ROOT, 'build/bench/rivals', rival.name);
    const reason = await install(rival, folder);
    if (reason !== undefined) {
      skipped.push({ name: rival.name, reason: `could not be installed: ${reason}` });
      continue;
    }
    const home = join(ROOT, 'build/bench/home', rival.name);
    await mkdir(home, { recursive: true });
    const version = Object.values(rival.dependencies)[0];
    const argv = [process.execPath, join(folder, rival.entry)];
    usable.push({
      ...rival,
      version,
      start: () => new Session({ argv, cwd: home, env: { PATH, HOME: home, SHELL: '/bin/sh', ...rival.env } }).start(),
    });
  }
  return { usable, skipped };
};
