import type { App } from '../../../core/app.ts';
import { viewExecution } from '../../../core/executions/view.ts';
import { CorralError } from '../../../ports/errors.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { createStandardSinks } from '../fd-sink.ts';
import { openGuest } from '../guest.ts';
import { callOperation, withApp } from '../invoke.ts';
import { findSandbox } from '../names.ts';
import { copyUntilEnd, createOutputCopier } from '../output-copier.ts';
import { exitCodeOf } from '../outcome.ts';
import { loadSettings } from '../settings.ts';
import type { ServerArguments } from '../stdio-arguments.ts';
import { table } from '../table.ts';

export interface PackageOptions {
  readonly manager?: string;
  readonly sandbox?: string;
  readonly json?: boolean;
}

/** A sandbox of this command's own would be gone with it, and what was installed too. */
const placeOf = async (app: App, { sandbox }: PackageOptions): Promise<{ readonly sandbox?: string }> => {
  if (sandbox !== undefined) return { sandbox: await findSandbox(app, sandbox) };
  if (app.loaded.config.driver === 'host') return {};
  throw new CorralError('invalid_input', 'It is not said in which sandbox.', {
    hint: 'Name one with --sandbox ID (`corral sandbox ls`), or install on this machine with --driver host.',
  });
};

/** Shows what an installation prints, to its end. */
const show = async (app: App, id: string): Promise<void> => {
  const one = await app.executions.follow(id);
  const { record, stdoutBytes, stderrBytes } = await app.executions.look(id);
  const ref = { sandbox: record.sandbox, execution: id };
  const copier = createOutputCopier(app.logs, ref, createStandardSinks(), { stdout: 0, stderr: 0 });
  if (one === undefined) await copier.copyTo({ stdout: stdoutBytes, stderr: stderrBytes });
  else await copyUntilEnd(one, copier, new AbortController().signal);
};

/** `corral package install` */
export const runPackageInstall = async (
  context: CliContext,
  args: ServerArguments,
  packages: readonly string[],
  options: PackageOptions,
): Promise<number> => {
  const app = openGuest(context, await loadSettings(context, args), 'client', 'package install');
  return withApp(app, async () => {
    const answer = await callOperation(app, 'package.install', {
      packages,
      ...(options.manager !== undefined && { manager: options.manager }),
      ...(await placeOf(app, options)),
    });
    const known = (answer['already_installed'] as readonly string[] | undefined) ?? [];
    const id = answer['execution_id'];
    if (options.json !== true) for (const name of known) process.stdout.write(`${name} is already installed\n`);
    if (typeof id !== 'string') {
      if (options.json === true) process.stdout.write(`${JSON.stringify(answer)}\n`);
      return EXIT.ok;
    }
    if (options.json !== true) await show(app, id);
    await (
      await app.executions.follow(id)
    )?.done;
    const look = await app.executions.look(id);
    if (options.json === true) {
      const view = await viewExecution(app.presenter, look, app.loaded.config.answerBytes, { manager: answer['manager'] });
      process.stdout.write(`${JSON.stringify({ ...view, ...(known.length > 0 && { already_installed: known }) })}\n`);
    }
    const { outcome } = look.record;
    return outcome === undefined ? EXIT.failure : exitCodeOf(outcome);
  });
};

/** `corral package list` */
export const runPackageList = async (
  context: CliContext,
  args: ServerArguments,
  manager: string,
  options: PackageOptions,
): Promise<number> => {
  const app = openGuest(context, await loadSettings(context, args), 'client', 'package list');
  return withApp(app, async () => {
    const answer = await callOperation(app, 'package.list', { manager, ...(await placeOf(app, options)) });
    if (options.json === true) process.stdout.write(`${JSON.stringify(answer)}\n`);
    else {
      const packages = answer['packages'] as readonly { readonly name: string; readonly version: string }[];
      process.stdout.write(table([['PACKAGE', 'VERSION'], ...packages.map(({ name, version }) => [name, version])]));
    }
    return EXIT.ok;
  });
};
