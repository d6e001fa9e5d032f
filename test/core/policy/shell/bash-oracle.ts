import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, UNPRIVILEGED } from '../../../support/run-bubblewrap.ts';
import type { Started } from './reference-runner.ts';

/** Whatever bash starts is one of these: a stub that writes down its name, arguments and folder, at once. */
const STUB = `#!/bin/sh
cd -P .
printf '%s\\0' S "$PWD" "\${0##*/}" "$@" E >> /log/now
case "\${0##*/}" in false) exit 1;; esac
`;

/** Makes bash look for programs where it has builtins of the same name. */
const BASH_ENV = 'enable -n echo printf test [ true false pwd kill\n';

const DRIVER = `
while IFS= read -r -d '' text; do
  : > /log/now
  /usr/bin/env -i PATH=/stubs HOME=/home/u LC_ALL=C.UTF-8 BASH_ENV=/in/env /usr/bin/bash --noprofile --norc -c -- "$text" bash </dev/null >/dev/null 2>&1
  /usr/bin/cat /log/now
  printf 'T\\0'
done < /in/texts
/usr/bin/find /w -mindepth 1 -printf 'F%p\\0'
`;

export interface OracleWorld {
  readonly names: readonly string[];
  /** Beneath /w, by relative path; a folder ends with a slash. */
  readonly entries: readonly string[];
}

export interface OracleAnswer {
  /** For each text, what bash started. */
  readonly started: readonly (readonly Started[])[];
  /** What there is beneath /w afterwards. */
  readonly files: readonly string[];
}

const collect = (child: ReturnType<typeof spawn>): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve(Buffer.concat(chunks))
        : reject(new Error(`the oracle ended with ${String(code)}: ${Buffer.concat(errors).toString().slice(0, 2000)}`)),
    );
  });

/** Reads the NUL-separated log: `S cwd name args... E` for each program, `T` behind each text, `F` before each file. */
const readLog = (log: Buffer): OracleAnswer => {
  const tokens = log.toString('utf8').split('\0');
  const started: Started[][] = [];
  const files: string[] = [];
  let current: Started[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] ?? '';
    if (token === 'T') {
      started.push(current);
      current = [];
    } else if (token === 'S') {
      const end = tokens.indexOf('E', at);
      current.push({ cwd: tokens[at + 1] ?? '', argv: tokens.slice(at + 2, end) });
      at = end;
    } else if (token.startsWith('F')) files.push(token.slice(1));
  }
  return { started, files };
};

/** Runs texts in real bash, in a sandbox without network, in which every program is a stub. */
export const askBash = async (texts: readonly string[], { names, entries }: OracleWorld): Promise<OracleAnswer> => {
  using folder = temporaryFolder();
  const input = join(folder.path, 'in');
  const stubs = join(folder.path, 'stubs');
  const place = join(folder.path, 'w');
  for (const path of [input, stubs, place]) mkdirSync(path);
  writeFileSync(join(input, 'texts'), texts.map((text) => `${text}\0`).join(''));
  writeFileSync(join(input, 'env'), BASH_ENV);
  writeFileSync(join(input, 'driver'), DRIVER);
  for (const name of names) {
    writeFileSync(join(stubs, name), STUB);
    chmodSync(join(stubs, name), 0o755);
  }
  for (const entry of entries) {
    if (entry.endsWith('/')) mkdirSync(join(place, entry), { recursive: true });
    else writeFileSync(join(place, entry), '');
  }
  const identity = process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
  if ('uid' in identity) for (const entry of ['', ...entries]) chownSync(join(place, entry), UNPRIVILEGED, UNPRIVILEGED);
  const system = ['/usr', '/bin', '/lib', '/lib64'].flatMap((path) => ['--ro-bind-try', path, path]);
  const child = spawn(
    'bwrap',
    [
      '--unshare-all',
      '--die-with-parent',
      '--new-session',
      ...system,
      '--dev',
      '/dev',
      '--proc',
      '/proc',
      '--tmpfs',
      '/log',
      '--dir',
      '/home/u',
    ].concat([
      '--ro-bind',
      stubs,
      '/stubs',
      '--ro-bind',
      input,
      '/in',
      '--bind',
      place,
      '/w',
      '--chdir',
      '/w',
      '/usr/bin/bash',
      '--noprofile',
      '--norc',
      '/in/driver',
    ]),
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', env: { LC_ALL: 'C.UTF-8', PATH: '/usr/bin' }, ...identity },
  );
  return readLog(await collect(child));
};
