import { isAbsolute, join } from 'node:path';
import { realpathSync } from 'node:fs';
import type { LoadedConfig } from '../../core/config/load.ts';
import { resolveWorkspace } from '../../core/sandboxes/workspace.ts';
import { isWithin } from '../../lib/is-within.ts';
import { CorralError, toCorralError } from '../../ports/errors.ts';
import type { CliContext } from './context.ts';
import { numberOption } from './invoke.ts';

export interface RunOptions {
  readonly timeout?: string;
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly label?: readonly string[];
  readonly sandbox?: string;
  readonly pty?: boolean;
  readonly stdin: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
}

/** The current folder as the workspace, where none was named and it may be one; `note` says when it may not. */
export const withCurrentFolder = (
  loaded: LoadedConfig,
  cwd: string,
): { readonly loaded: LoadedConfig; readonly note: string | undefined } => {
  if (loaded.config.workspaces.length > 0) return { loaded, note: undefined };
  try {
    const folder = resolveWorkspace(cwd, loaded.config.stateDir);
    return { loaded: { ...loaded, config: { ...loaded.config, workspaces: [folder] } }, note: undefined };
  } catch (error) {
    return {
      loaded,
      note: `${toCorralError(error).message} The command gets an empty one of its own instead; --workspace DIR names another.`,
    };
  }
};

const pairs = (
  option: string,
  given: readonly string[] | undefined,
  missing: (name: string) => string | undefined,
): Record<string, string> =>
  Object.fromEntries(
    (given ?? []).map((text) => {
      const at = text.indexOf('=');
      const name = at < 0 ? text : text.slice(0, at);
      const value = at < 0 ? missing(name) : text.slice(at + 1);
      if (name === '' || value === undefined)
        throw new CorralError('invalid_input', `${option}: "${text}" names no value.`, { hint: `Write ${option} NAME=VALUE.` });
      return [name, value];
    }),
  );

/** Where the command starts: where the person is, if the sandbox sees that folder. */
const directory = (loaded: LoadedConfig, here: string, wanted: string | undefined): string | undefined => {
  const folder = realpathSync(here);
  const seen = loaded.config.workspaces.some((workspace) => isWithin(folder, realpathSync(workspace)));
  if (!seen || (wanted !== undefined && isAbsolute(wanted))) return wanted;
  return wanted === undefined ? folder : join(folder, wanted);
};

/** The options as the operation `command.execute` wants them. Always answered at once: what follows is watched. */
export const runRequest = (
  context: CliContext,
  loaded: LoadedConfig,
  command: string | readonly string[],
  options: RunOptions,
  openInput: boolean,
): Record<string, unknown> => {
  const timeout = numberOption('--timeout', options.timeout);
  const cwd = options.sandbox === undefined ? directory(loaded, context.cwd, options.cwd) : options.cwd;
  return {
    command,
    wait_seconds: 0,
    interactive: openInput,
    env: pairs('--env', options.env, (name) => context.env[name]),
    labels: pairs('--label', options.label, () => ''),
    ...(timeout !== undefined && { timeout_seconds: timeout }),
    ...(cwd !== undefined && { cwd }),
    ...(options.sandbox !== undefined && { sandbox: options.sandbox }),
    ...(options.pty === true && { pty: true }),
    ...(options.detach === true && { detach: true }),
  };
};
