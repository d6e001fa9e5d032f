import { isAbsolute, resolve } from 'node:path';
import type { LiveSandbox, Sandboxes } from '../../sandboxes/types.ts';
import type { ProfileInput } from '../profile.ts';
import { lookAtFolder, lookAtHostFolder } from '../folder.ts';
import { exception, noSuchFile } from './texts.ts';

/** Of the server's own environment, what says how text is to be read and written. Never its secrets. */
const PASSED_ON = ['SHELL', 'LANG', 'LANGUAGE', 'LC_ALL', 'LC_CTYPE', 'LC_MESSAGES', 'TZ'] as const;

/** Where commands of the profile run. */
export interface Place {
  readonly env: Readonly<Record<string, string>>;
  live(signal: AbortSignal): Promise<LiveSandbox>;
  /**
   * The folder of a call. When none is named that of the server, as in the original, unless there is a workspace or a sandbox around it, or rules that keep
   * commands within one. Throws in the words of the original.
   */
  folder(live: LiveSandbox, wanted: string | null | undefined, underRules: boolean): Promise<string>;
}

export const createPlace = (
  sandboxes: Pick<Sandboxes, 'primary'>,
  { env, cwd }: Pick<ProfileInput, 'env' | 'cwd'>,
  passed: readonly string[],
  hasWorkspaces: boolean,
): Place => ({
  env: Object.fromEntries(
    [...PASSED_ON, ...passed].flatMap((name): [string, string][] => {
      const value = env[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  ),
  live: (signal) => sandboxes.primary(signal),
  folder: async (live, wanted, underRules) => {
    const home = live.record.driver === 'host' && !hasWorkspaces && !underRules ? cwd : live.spec.workdir;
    if (wanted === undefined || wanted === null || wanted === '') return home;
    const path = isAbsolute(wanted) ? wanted : resolve(home, wanted);
    switch (await lookAtFolder(live, path)) {
      case 'usable':
        return path;
      case 'missing':
        throw exception(noSuchFile(wanted));
      case 'not a directory':
        throw exception(`[Errno 20] Not a directory: '${wanted}'`);
      case 'not accessible':
        // Beyond its places a sandbox shows nothing; what is nowhere is told as such.
        if (live.record.driver !== 'host' && (await lookAtHostFolder(path)) === 'missing') throw exception(noSuchFile(wanted));
        throw exception(`[Errno 13] Permission denied: '${wanted}'`);
    }
  },
});
