import type { Environment } from './allow-list.ts';

/** Of the server's own environment, what says how text is to be read and written, and which shell is the user's. Never its secrets. */
const PASSED_ON = ['SHELL', 'LANG', 'LANGUAGE', 'LC_ALL', 'LC_CTYPE', 'LC_MESSAGES', 'TZ'] as const;

/** Variables for a command, beside those every execution has: those above, and those that MCP_SHELL_CHILD_ENV_ALLOWLIST names. */
export const childEnvironment = (env: Environment): Readonly<Record<string, string>> => {
  const named = (env['MCP_SHELL_CHILD_ENV_ALLOWLIST'] ?? '').split(',').map((name) => name.trim());
  return Object.fromEntries(
    [...PASSED_ON, ...named].flatMap((name): [string, string][] => {
      const value = env[name];
      return name === '' || value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
};
