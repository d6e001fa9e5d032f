import { setMaxListeners } from 'node:events';
import { renderDoctor } from '../../core/doctor/render.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { openGuest } from './guest.ts';
import { loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';

/** `corral doctor`: fails when something is missing, or an escape succeeded. */
export const runDoctor = async (context: CliContext, args: ServerArguments, options: { readonly json?: boolean }): Promise<number> => {
  const app = openGuest(context, await loadSettings(context, args), 'reader', 'doctor');
  const stop = new AbortController();
  // Every check and every escape listens to it: many listeners are no leak here.
  setMaxListeners(0, stop.signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  try {
    const report = await app.doctor(stop.signal);
    process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : renderDoctor(report));
    return report.verdict === 'fail' ? EXIT.failure : EXIT.ok;
  } finally {
    await app.close();
  }
};
