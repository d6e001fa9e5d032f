import { CorralError } from '../../ports/errors.ts';
import type { App } from '../../core/app.ts';
import type { Tracked } from '../../core/executions/tracked.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { createStandardSinks, isBrokenPipe } from './fd-sink.ts';
import { openGuest } from './guest.ts';
import { withApp } from './invoke.ts';
import { tailPositions } from './logs-tail.ts';
import { findExecution } from './names.ts';
import { exitCodeOf } from './outcome.ts';
import { copyUntilEnd, createOutputCopier } from './output-copier.ts';
import { loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';
import { forwardInput, forwardSize } from './terminal-input.ts';

export interface AttachOptions {
  /** False with --no-stdin: look only. */
  readonly stdin: boolean;
}

/** What was printed last, so that whoever comes sees where it stands. */
const LINES_SHOWN = 10;

/** Shows the program here, and passes input on, until it ends or `stop` aborts. */
const attend = async (app: App, one: Tracked, options: AttachOptions, stop: AbortController): Promise<void> => {
  const { id, sandbox } = one.record;
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const ref = { sandbox, execution: id };
  const { stdoutBytes, stderrBytes } = await app.executions.look(id);
  const from = await tailPositions(app.logs, ref, ['stdout', 'stderr'], { stdout: stdoutBytes, stderr: stderrBytes }, LINES_SHOWN);
  using _size = options.stdin && isTerminal ? forwardSize(app.executions, id) : undefined;
  using input = options.stdin ? forwardInput(app.executions, id, { raw: isTerminal, onDetach: () => stop.abort() }) : undefined;
  const shown = copyUntilEnd(one, createOutputCopier(app.logs, ref, createStandardSinks(), from), stop.signal);
  await Promise.race([shown, ...(input === undefined ? [] : [input.failed])]);
};

/**
 * `corral attach`: a running execution of any server, at this terminal: its output, and input where it takes some. Leaving it (Ctrl-P Ctrl-Q,
 * or a signal to this command) leaves it running; when it ends, this ends with its exit code.
 */
export const runAttach = async (context: CliContext, args: ServerArguments, given: string, options: AttachOptions): Promise<number> => {
  const loaded = await loadSettings(context, args);
  const app = openGuest(context, loaded, 'reader', 'attach');
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, onSignal);
  return withApp(app, async () => {
    const id = await findExecution(app, given);
    const one = await app.executions.follow(id, stop.signal);
    if (one === undefined)
      throw new CorralError('conflict', `Execution ${id} has ended.`, { hint: `\`corral logs ${id}\` shows what it printed.` });
    try {
      await attend(app, one, options, stop);
    } catch (error) {
      if (isBrokenPipe(error)) return EXIT.brokenPipe;
      throw error;
    }
    const { outcome } = one.record;
    if (outcome !== undefined) return exitCodeOf(outcome);
    process.stderr.write(`corral: left; it goes on. See: corral attach ${id}, corral logs -f ${id}, corral kill ${id}\n`);
    return EXIT.ok;
  });
};
