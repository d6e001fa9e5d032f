import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureBubblewrap, ensureTerminalPrograms } from '../../scripts/lib/machine.mjs';

let bin: string;

/** Puts a shell program on the only PATH there is; `$BIN` is that folder. */
const program = async (name: string, text: string) => {
  await writeFile(join(bin, name), `#!/bin/sh\nBIN=${bin}\n${text}\n`);
  await chmod(join(bin, name), 0o755);
};
const calls = () => readFile(join(bin, 'calls'), 'utf8');

/** Refuses to install until its lists were fetched, as on a fresh image. */
const APT = `PATH=/usr/bin:/bin
echo "$DEBIAN_FRONTEND $*" >> $BIN/calls
if [ "$1" = update ]; then touch $BIN/lists; exit 0; fi
[ -e $BIN/lists ] || { echo 'E: no lists' >&2; exit 100; }
touch $BIN/bwrap && chmod +x $BIN/bwrap`;

beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), 'corral-bin-'));
  vi.stubEnv('PATH', bin);
  vi.spyOn(process, 'platform', 'get').mockReturnValue('linux');
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(bin, { recursive: true });
});

describe('getting bubblewrap', () => {
  it('does nothing when it is there', async () => {
    await program('bwrap', 'exit 0');
    await program('apt-get', APT);
    expect(await ensureBubblewrap()).toEqual({ ok: true });
    await expect(calls()).rejects.toThrow('ENOENT');
  });

  it('installs it as root, fetching the package lists only when that is needed, and says so first', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(0);
    await program('apt-get', APT);
    expect(await ensureBubblewrap()).toEqual({ ok: true });
    const install = 'noninteractive install -y -qq --no-install-recommends bubblewrap\n';
    expect(await calls()).toBe(`${install}noninteractive update -qq\n${install}`);
    expect(process.stderr.write).toHaveBeenCalledWith(expect.stringContaining('bubblewrap is missing; installing'));
  });

  it('goes through sudo where that asks for no password', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(1000);
    await program('apt-get', `touch() { /usr/bin/touch "$@"; }\n${APT}`);
    await program('sudo', `[ "$1" = -n ] || exit 1; shift; [ "$1" = true ] && exit 0; echo "sudo $1" >> $BIN/calls; exec "$@"`);
    expect(await ensureBubblewrap()).toEqual({ ok: true });
    expect(await calls()).toContain('sudo apt-get\n');
  });

  it('tells the command to run by hand when this user may not install', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(1000);
    await program('apt-get', APT);
    await program('sudo', 'echo "sudo: a password is required" >&2; exit 1');
    expect(await ensureBubblewrap()).toEqual({
      ok: false,
      reason:
        'bubblewrap is missing and this user may not install packages; as root, run: apt-get install -y -qq --no-install-recommends bubblewrap',
    });
  });

  it('tells that an install failed, and one that did not help', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(0);
    await program('apk', 'exit 9');
    expect(await ensureBubblewrap()).toMatchObject({
      ok: false,
      reason: expect.stringContaining('"apk add --no-progress bubblewrap" ended with 9'),
    });
    await program('apk', 'exit 0');
    expect(await ensureBubblewrap()).toMatchObject({ ok: false, reason: expect.stringContaining('still does not work') });
  });

  it('tells when no package manager is known here', async () => {
    expect(await ensureBubblewrap()).toMatchObject({ ok: false, reason: expect.stringContaining('no known package manager') });
  });

  it('is not tried where it does not exist', async () => {
    vi.spyOn(process, 'platform', 'get').mockReturnValue('darwin');
    expect(await ensureBubblewrap()).toMatchObject({ ok: false, reason: expect.stringContaining('Linux only') });
  });
});

it('the programs for tests on a terminal are installed together, where one is missing', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(0);
  for (const name of ['less', 'vim', 'python3']) await program(name, 'exit 0');
  await program('apk', 'PATH=/usr/bin:/bin; echo "$*" > $BIN/calls; touch $BIN/gdb; chmod +x $BIN/gdb');
  expect(await ensureTerminalPrograms()).toEqual({ ok: true });
  expect(await calls()).toBe('add --no-progress less vim gdb python3\n');
  await rm(join(bin, 'calls'));
  expect(await ensureTerminalPrograms()).toEqual({ ok: true });
  await expect(calls()).rejects.toThrow('ENOENT');
});
