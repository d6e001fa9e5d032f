import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { capture, say } from './process.mjs';

/** @typedef {{ ok: true } | { ok: false, reason: string }} Readiness */

/** How each packager is called, and what it calls the things Corral needs. The first one present is used. */
const PACKAGERS = [
  {
    program: 'apt-get',
    refresh: ['apt-get', 'update', '-qq'],
    install: ['apt-get', 'install', '-y', '-qq', '--no-install-recommends'],
    packages: { bubblewrap: ['bubblewrap'], compiler: ['gcc', 'libc6-dev'], terminals: ['less', 'vim', 'gdb', 'python3'] },
  },
  {
    program: 'dnf',
    install: ['dnf', 'install', '-y', '-q'],
    packages: {
      bubblewrap: ['bubblewrap'],
      compiler: ['gcc', 'glibc-devel', 'glibc-static'],
      terminals: ['less', 'vim-enhanced', 'gdb', 'python3'],
    },
  },
  {
    program: 'apk',
    install: ['apk', 'add', '--no-progress'],
    packages: { bubblewrap: ['bubblewrap'], compiler: ['gcc', 'musl-dev', 'linux-headers'], terminals: ['less', 'vim', 'gdb', 'python3'] },
  },
  {
    program: 'pacman',
    install: ['pacman', '-S', '--noconfirm', '--needed'],
    packages: { bubblewrap: ['bubblewrap'], compiler: ['gcc'], terminals: ['less', 'vim', 'gdb', 'python'] },
  },
  {
    program: 'zypper',
    install: ['zypper', '--non-interactive', 'install', '--no-recommends'],
    packages: {
      bubblewrap: ['bubblewrap'],
      compiler: ['gcc', 'glibc-devel', 'glibc-devel-static'],
      terminals: ['less', 'vim', 'gdb', 'python3'],
    },
  },
];

/** Is this program on the PATH, and executable? */
export const hasProgram = async (name) => {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const found = await access(join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
};

/** A compiler is present when it links a static program: headers and libc are packages of their own in most distributions. */
export const hasCompiler = async () => {
  if (!(await hasProgram('cc'))) return false;
  const folder = await mkdtemp(join(tmpdir(), 'corral-cc-'));
  try {
    await writeFile(join(folder, 'probe.c'), '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n');
    return (await capture(['cc', '-static', '-o', join(folder, 'probe'), join(folder, 'probe.c')])).code === 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** @returns {Promise<Readiness>} */
export const ensureBubblewrap = async () => {
  if (process.platform !== 'linux') return { ok: false, reason: 'bubblewrap exists on Linux only' };
  return ensure('bubblewrap', () => hasProgram('bwrap'));
};

/** @type {() => Promise<Readiness>} */
export const ensureCompiler = async () => ensure('compiler', hasCompiler);

/** Programs that tests drive on a terminal. Nothing else needs them, so only continuous integration installs what is missing. */
export const ensureTerminalPrograms = async () =>
  ensure('terminals', async () => (await Promise.all(['less', 'vim', 'gdb', 'python3'].map(hasProgram))).every(Boolean));

/** @type {(what: 'bubblewrap' | 'compiler' | 'terminals', present: () => Promise<boolean>) => Promise<Readiness>} */
const ensure = async (what, present) => {
  if (await present()) return { ok: true };
  const packager = await findPackager();
  if (packager === undefined) return { ok: false, reason: `${what} is missing and no known package manager is here to install it` };
  const packages = packager.packages[what];
  const byHand = [...packager.install, ...packages].join(' ');
  const prefix = await elevation();
  if (prefix === undefined)
    return { ok: false, reason: `${what} is missing and this user may not install packages; as root, run: ${byHand}` };
  say(`${what} is missing; installing it from this distribution's packages: ${[...prefix, byHand].join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = () => capture([...prefix, ...packager.install, ...packages], { env, timeoutMs: 300_000 });
  let end = await install();
  // A fresh image has no package lists; a used one has, and then asking the mirror for them again would only cost time.
  if (end.code !== 0 && packager.refresh) {
    const refreshed = await capture([...prefix, ...packager.refresh], { env, timeoutMs: 300_000 });
    if (refreshed.code !== 0) process.stderr.write(refreshed.stderr);
    end = await install();
  }
  if (end.code !== 0) {
    process.stderr.write(end.stderr);
    return { ok: false, reason: `${what} could not be installed: "${byHand}" ended with ${end.code}` };
  }
  return (await present()) ? { ok: true } : { ok: false, reason: `${what} was installed but still does not work here` };
};

const findPackager = async () => {
  for (const packager of PACKAGERS) if (await hasProgram(packager.program)) return packager;
  return undefined;
};

/** What to put before a command that needs root; undefined when there is no way without asking for a password. */
const elevation = async () => {
  if (process.getuid?.() === 0) return [];
  if ((await hasProgram('sudo')) && (await capture(['sudo', '-n', 'true'])).code === 0) return ['sudo', '-n'];
  return undefined;
};
