import type { App } from '../../core/app.ts';
import type { Tracked } from '../../core/executions/tracked.ts';
import type { Look } from '../../core/executions/types.ts';
import { hintsFor, viewExecution } from '../../core/executions/view.ts';
import { CorralError, toCorralError } from '../../ports/errors.ts';
import type { LogRef } from '../../ports/logs.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { reportFailure } from './fail.ts';
import { createStandardSinks, isBrokenPipe } from './fd-sink.ts';
import { openGuest } from './guest.ts';
import { callOperation, withApp } from './invoke.ts';
import { exitCodeOf } from './outcome.ts';
import { copyUntilEnd, createOutputCopier, type OutputCopier } from './output-copier.ts';
import { type RunOptions, runRequest, withCurrentFolder } from './run-request.ts';
import { checkStart, loadSettings } from './settings.ts';
import { shortDuration } from './table.ts';
import type { ServerArguments } from './stdio-arguments.ts';
import { forwardInput, forwardSize } from './terminal-input.ts';

const note = (text: string): void => void process.stderr.write(`corral: ${text}\n`);

/** Ctrl-C and its like: the first one ends the tree as it would here, the second by force. */
interface Interrupts extends Disposable {
  readonly signal: AbortSignal;
  readonly received: () => NodeJS.Signals | undefined;
  /** What a signal does from now on. */
  endWith(end: (signal: NodeJS.Signals) => void): void;
}

const listenForInterrupts = (): Interrupts => {
  const before = new AbortController();
  let first: NodeJS.Signals | undefined;
  let end = (_signal: NodeJS.Signals): void => before.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const handler = (signal: NodeJS.Signals): void => {
    const again = first !== undefined;
    first ??= signal;
    end(again ? 'SIGKILL' : signal);
  };
  for (const signal of signals) process.on(signal, handler);
  return {
    signal: before.signal,
    received: () => first,
    endWith: (next) => {
      end = next;
      if (first !== undefined) end(first);
    },
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, handler);
    },
  };
};

const toTerminal = (app: App, ref: LogRef): OutputCopier =>
  createOutputCopier(app.logs, ref, createStandardSinks(), { stdout: 0, stderr: 0 });

/** Shows the execution here until it ends. */
const attend = async (app: App, one: Tracked, options: RunOptions, openInput: boolean): Promise<void> => {
  const { id, sandbox } = one.record;
  using _size = options.pty === true && process.stdout.isTTY ? forwardSize(app.executions, id) : undefined;
  using input = openInput ? forwardInput(app.executions, id, { raw: options.pty === true }) : undefined;
  const shown =
    options.json === true ? one.done : copyUntilEnd(one, toTerminal(app, { sandbox, execution: id }), new AbortController().signal);
  await Promise.race([shown, ...(input === undefined ? [] : [input.failed])]);
};

const tellEnding = ({ record }: Look, received: NodeJS.Signals | undefined): void => {
  if (record.outcome?.kind === 'exited' || (record.outcome?.kind === 'cancelled' && received !== undefined)) return;
  for (const hint of hintsFor(record)) note(hint);
};

const finish = async (app: App, id: string, options: RunOptions, received: NodeJS.Signals | undefined): Promise<number> => {
  const look = await app.executions.look(id);
  const { outcome } = look.record;
  if (outcome === undefined) throw new CorralError('internal', `Execution ${id} ended without an outcome.`);
  const code = exitCodeOf(outcome, received);
  if (options.json === true) {
    const view = await viewExecution(app.presenter, look, app.loaded.config.answerBytes);
    process.stdout.write(`${JSON.stringify({ ...view, exit_code: code })}\n`);
  } else tellEnding(look, received);
  return code;
};

const tellDetached = (app: App, started: Record<string, unknown>, options: RunOptions): number => {
  const id = String(started['execution_id']);
  process.stdout.write(options.json === true ? `${JSON.stringify(started)}\n` : `${id}\n`);
  if (options.json !== true && options.sandbox === undefined && process.stderr.isTTY)
    note(
      `it goes on; its sandbox ends ${shortDuration(app.loaded.config.leaseSeconds * 1000)} after the last server that looks after it. See: corral logs -f ${id}`,
    );
  return EXIT.ok;
};

const runInside = async (app: App, request: Record<string, unknown>, options: RunOptions, interrupts: Interrupts): Promise<number> => {
  const started = await callOperation(app, 'command.execute', request, interrupts.signal);
  if (options.detach === true) return tellDetached(app, started, options);
  const id = String(started['execution_id']);
  const stop = (signal: NodeJS.Signals): void => {
    callOperation(app, 'execution.terminate', { execution_id: id, signal }).catch((error: unknown) =>
      note(`it could not be ended: ${toCorralError(error).message}`),
    );
  };
  interrupts.endWith(stop);
  const one = await app.executions.follow(id);
  try {
    if (one !== undefined) await attend(app, one, options, request['interactive'] === true);
    else if (options.json !== true) {
      const { record, stdoutBytes, stderrBytes } = await app.executions.look(id);
      await toTerminal(app, { sandbox: record.sandbox, execution: id }).copyTo({ stdout: stdoutBytes, stderr: stderrBytes });
    }
  } catch (error) {
    await callOperation(app, 'execution.terminate', { execution_id: id });
    if (isBrokenPipe(error)) return EXIT.brokenPipe;
    throw error;
  }
  return finish(app, id, options, interrupts.received());
};

/** Says what kept the command from running. */
const failedToRun = (error: unknown, options: RunOptions, received: NodeJS.Signals | undefined): number => {
  const told = toCorralError(error);
  if (told.code === 'cancelled' && received !== undefined) return exitCodeOf({ kind: 'cancelled' }, received);
  const code = reportFailure(told, { json: options.json === true });
  return code === EXIT.usage ? code : EXIT.notRun;
};

/** `corral run`: a command as if it ran here, but in a sandbox. `command` is shell text, or a program with its arguments. */
export const runCommand = async (
  context: CliContext,
  args: ServerArguments,
  command: string | readonly string[],
  options: RunOptions,
): Promise<number> => {
  using interrupts = listenForInterrupts();
  try {
    const settings = await loadSettings(context, options.detach === true ? { ...args, flags: { ...args.flags, keep: true } } : args);
    await checkStart(settings);
    const { loaded, note: why } =
      options.sandbox === undefined ? withCurrentFolder(settings, context.cwd) : { loaded: settings, note: undefined };
    if (why !== undefined) note(why);
    const openInput = options.stdin && (options.detach !== true || options.pty === true);
    const request = runRequest(context, loaded, command, options, openInput);
    const app = openGuest(context, loaded, 'client', 'run');
    return await withApp(app, () => runInside(app, request, options, interrupts));
  } catch (error) {
    return failedToRun(error, options, interrupts.received());
  }
};
