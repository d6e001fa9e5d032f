import type { App, AppRole } from '../../core/app.ts';
import type { LoadedConfig } from '../../core/config/load.ts';
import type { CliContext } from './context.ts';

/** The house as a command of a person opens it: it says only errors, unless more was asked for. */
export const openGuest = (context: CliContext, loaded: LoadedConfig, role: Exclude<AppRole, 'server'>, face: string): App => {
  const quiet = loaded.sources['logLevel'] === 'default';
  return context.openApp(quiet ? { ...loaded, config: { ...loaded.config, logLevel: 'error' } } : loaded, { role, face: `cli ${face}` });
};
