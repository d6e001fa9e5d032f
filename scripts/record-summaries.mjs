// `node scripts/record-summaries.mjs [--path DIR:DIR] [TOOL...]`: runs real tools on small projects and writes what they print to
// test/fixtures/summaries/TOOL/NAME.txt (what only shows progress: test/fixtures/progress), with the tool's version, the command and how it ended. Tools that are not here are named and skipped.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { ROOT, say } from './lib/process.mjs';
import { SAMPLES } from './lib/summary-samples.mjs';

const run = promisify(execFile);

const { values, positionals } = parseArgs({ options: { path: { type: 'string' } }, allowPositionals: true });

const env = {
  PATH: [values.path, join(ROOT, 'node_modules/.bin'), process.env.PATH].filter(Boolean).join(':'),
  HOME: homedir(),
  LANG: 'C.UTF-8',
  TERM: 'xterm-256color',
  COLUMNS: '120',
  NODE_MODULES: join(ROOT, 'node_modules'),
  NPM_CONFIG_UPDATE_NOTIFIER: 'false',
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
};

/** How it ended and what it printed; a failure is what some samples are for. */
const shell = async (command, cwd) => {
  try {
    return { code: 0, ...(await run('bash', ['-c', command], { cwd, env, maxBuffer: 64 * 1024 * 1024, timeout: 300_000 })) };
  } catch (error) {
    if (typeof error.code !== 'number') throw error;
    return { code: error.code, stdout: error.stdout, stderr: error.stderr };
  }
};

/** No paths, names and addresses of the machine it was recorded on. */
const tidy = (text, folder) =>
  text
    .replaceAll(folder, '/workspace')
    .replaceAll(join(ROOT, 'node_modules'), '/usr/lib/node_modules')
    .replaceAll(ROOT, '/corral')
    .replaceAll(homedir(), '/home/user')
    .replace(/(?:\.\.\/)+[\w./-]*?node_modules(?=\/)/g, '/usr/lib/node_modules')
    .replace(/https?:\/\/[^\s'")]*?\/(?=simple|[\w@.-]+(?:\s|$|['")]))/g, 'https://registry.example/')
    .replace(/\/(?:tmp|var\/tmp)\/[\w.-]+(?:\/[\w.-]+)*?(?=\/(?:lib|bin|python))/g, '/opt');

const record = async (sample, folder) => {
  const version = (await shell(sample.version, folder)).stdout.trim() || (await shell(sample.version, folder)).stderr.trim();
  for (const [path, text] of Object.entries(sample.files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  if (sample.setup !== undefined) await shell(sample.setup, folder);
  for (const [name, given] of Object.entries(sample.runs)) {
    const { command, pty = false } = typeof given === 'string' ? { command: given } : given;
    const ended = await shell(pty ? `script -qec ${JSON.stringify(command)} /dev/null` : command, folder);
    const header = { tool: sample.tool, version: tidy(version, folder), command, exit: ended.code, ...(pty && { pty }) };
    const file = join(ROOT, 'test/fixtures', sample.folder ?? join('summaries', sample.tool), `${name}.txt`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(header)}\n--- stdout\n${tidy(ended.stdout, folder)}--- stderr\n${tidy(ended.stderr, folder)}`);
  }
  if (sample.after !== undefined) await shell(sample.after, folder);
  say(`${sample.tool}: ${Object.keys(sample.runs).length} outputs of ${version.split('\n')[0]}`);
};

for (const sample of SAMPLES) {
  if (positionals.length > 0 && !positionals.includes(sample.tool)) continue;
  if ((await shell(sample.version, ROOT)).code !== 0) {
    say(`${sample.tool}: not here, skipped`);
    continue;
  }
  const folder = await mkdtemp(join(tmpdir(), 'corral-sample-'));
  try {
    await record(sample, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
