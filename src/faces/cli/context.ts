import type { OpenApp } from '../../core/app.ts';
import type { Caller } from '../../core/operation.ts';

/** What the command line is given by the composition root. */
export interface CliContext {
  readonly version: string;
  readonly openApp: OpenApp;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Whoever may start Corral may do everything with it. */
export const LOCAL: Caller = { id: 'local', via: 'cli', scopes: ['*'] };
