import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConfigInput, LoadedConfig } from '../../core/config/load.ts';
import { loadConfig } from '../../core/config/load.ts';
import { usableWorkspace } from '../../core/sandboxes/workspace.ts';
import { CorralError } from '../../ports/errors.ts';
import { COMMANDS } from './commands.ts';
import type { CliContext } from './context.ts';
import type { ServerArguments } from './stdio-arguments.ts';
import { nearest } from './suggest.ts';

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** A word that is no folder was most likely meant as a command. */
const checkFolder = (folder: string, cwd: string): void => {
  if (isFolder(resolve(cwd, folder)) || !/^[a-z][a-z-]*$/.test(folder)) return;
  const meant = nearest(folder, [...COMMANDS.keys()]);
  throw new CorralError('invalid_input', `There is no command "${folder}", and no folder of that name.`, {
    hint: meant === undefined ? '`corral --help` lists the commands.' : `Did you mean \`corral ${meant}\`?`,
  });
};

/** The configuration as it holds for these arguments; folders are workspaces. */
export const loadSettings = async (
  context: CliContext,
  { folders, configFile, flags }: ServerArguments,
  profile?: ConfigInput['profile'],
): Promise<LoadedConfig> => {
  const { env, cwd } = context;
  for (const folder of folders) checkFolder(folder, cwd);
  const named = (flags.workspaces as readonly string[] | undefined) ?? [];
  const workspaces = [...folders, ...named];
  return loadConfig({
    flags: { ...flags, ...(workspaces.length > 0 && { workspaces }) },
    env,
    cwd,
    profile,
    ...(configFile !== undefined && { file: configFile }),
  });
};

/** Refuses at start what every call would have to refuse: workspaces that cannot be used, rules that are wrong. Throws `invalid_input`. */
export const checkStart = async ({ config }: LoadedConfig): Promise<void> => {
  for (const folder of config.workspaces) usableWorkspace(folder, config);
  if (config.rules === undefined) return;
  const { loadConfiguredPolicy } = await import('../../core/policy/configured.ts');
  loadConfiguredPolicy(config);
};
