import { homedir } from 'node:os';
import type { Config } from '../config/schema.ts';
import { PRIVATE_WORKSPACE, SANDBOX_HOME } from '../sandboxes/spec.ts';
import { usableWorkspace } from '../sandboxes/workspace.ts';
import type { Policy } from './decide.ts';
import { loadLocalPolicy } from './local.ts';

/** The rules that the configuration names, examples run; undefined where it names none. Throws CorralError with the place of what is wrong. */
export const loadConfiguredPolicy = (config: Config): Policy | undefined => {
  if (config.rules === undefined) return undefined;
  const onHost = config.driver === 'host';
  const workspaces = config.workspaces.map((folder) => usableWorkspace(folder, config));
  return loadLocalPolicy(config.rules, {
    workspaces: workspaces.length > 0 ? workspaces : [PRIVATE_WORKSPACE],
    home: onHost ? homedir() : SANDBOX_HOME,
    driver: onHost ? 'host' : 'bubblewrap',
    network: config.network,
  });
};
