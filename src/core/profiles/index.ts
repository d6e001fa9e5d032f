import { CorralError } from '../../ports/errors.ts';
import type { Profile } from './profile.ts';

interface Listed {
  /** One line for --help. */
  readonly summary: string;
  load(): Promise<Profile>;
}

/** Every profile by name. What a profile is made of is loaded when it is chosen, never otherwise. */
export const PROFILES: ReadonlyMap<string, Listed> = new Map<string, Listed>([
  [
    'exec',
    {
      summary: 'shell commands, scripts and background sessions, packages, a block list (mcp/exec)',
      load: async () => (await import('./exec/profile.ts')).exec,
    },
  ],
  [
    'shell-server',
    {
      summary: 'argv commands from an allow-list, and background processes (mcp-shell-server)',
      load: async () => (await import('./shell-server/profile.ts')).shellServer,
    },
  ],
  [
    'secure-exec',
    {
      summary: 'named command templates with checked arguments, limits and audit (mcp-secure-exec)',
      load: async () => (await import('./secure-exec/profile.ts')).secureExec,
    },
  ],
]);

/** Throws `invalid_input` for a name that is none. */
export const loadProfile = async (name: string): Promise<Profile> => {
  const listed = PROFILES.get(name);
  if (listed === undefined)
    throw new CorralError('invalid_input', `There is no profile "${name}".`, { hint: `There are: ${[...PROFILES.keys()].join(', ')}.` });
  return listed.load();
};
