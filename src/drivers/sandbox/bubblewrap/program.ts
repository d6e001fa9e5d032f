import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { CorralError } from '../../../ports/errors.ts';
import type { SupervisorLauncher } from '../supervisor/launcher.ts';
import { readSmallFile } from '../supervisor/secrets.ts';
import { BWRAP_MISSING_FIX } from './diagnosis.ts';

export const DEFAULT_BWRAP = '/usr/bin/bwrap';
/** The first with --disable-userns. */
const MINIMUM = [0, 8] as const;
const OUTPUT_BYTES = 4096;

export const requireProgram = async (bwrapPath: string): Promise<void> => {
  try {
    await access(bwrapPath, constants.X_OK);
  } catch (cause) {
    throw new CorralError('unavailable', `bubblewrap is not installed: ${bwrapPath} is missing or cannot be executed.`, {
      hint: BWRAP_MISSING_FIX,
      cause,
    });
  }
};

/** What `bwrap --version` prints. The launcher runs it: the server starts no processes. `folder` receives its output and can be removed after. */
export const bubblewrapVersion = async (launcher: SupervisorLauncher, bwrapPath: string, folder: string): Promise<string> => {
  await requireProgram(bwrapPath);
  const file = join(folder, 'version.log');
  const { ended } = await launcher.launch({
    sandbox: 'version',
    socketPath: join(folder, 'version.sock'),
    logFolder: folder,
    journalPath: join(folder, 'version.journal'),
    bootLogPath: file,
    configuration: new Uint8Array(),
    cgroups: [],
    stagingFolder: '',
    staged: [],
    argv: [bwrapPath, '--version'],
    env: [],
    data: [],
  });
  await ended;
  const said = ((await readSmallFile(file, OUTPUT_BYTES))?.toString('utf8') ?? '').trim();
  const [, major, minor] = /(\d+)\.(\d+)/.exec(said) ?? [];
  if (major === undefined || Number(major) * 1000 + Number(minor) < MINIMUM[0] * 1000 + MINIMUM[1])
    throw new CorralError('unavailable', `bubblewrap ${MINIMUM.join('.')} or newer is needed; this one says: ${said || 'nothing'}`, {
      hint: 'Install a newer bubblewrap, from the backports of the distribution if need be.',
    });
  return said;
};
