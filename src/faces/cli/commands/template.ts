import { CorralError } from '../../../ports/errors.ts';
import type { Template } from '../../../core/policy/templates.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { openGuest } from '../guest.ts';
import { callOperation, withApp } from '../invoke.ts';
import { exitCodeOf } from '../outcome.ts';
import { loadSettings } from '../settings.ts';
import type { Outcome } from '../../../ports/sandbox.ts';
import type { ServerArguments } from '../stdio-arguments.ts';
import { table } from '../table.ts';

const NO_FILE = new CorralError('invalid_input', 'No templates file is named.', {
  hint: 'Name it with --templates FILE, CORRAL_TEMPLATES or `templates` in the configuration.',
});

/** `corral template ls` */
export const runTemplateList = async (
  context: CliContext,
  args: ServerArguments,
  options: { readonly json?: boolean },
): Promise<number> => {
  const { templates, config } = await loadSettings(context, args);
  if (config.templates === undefined) throw NO_FILE;
  if (options.json === true) process.stdout.write(`${JSON.stringify(templates.map(({ name, spec }) => ({ name, ...spec })))}\n`);
  else
    process.stdout.write(
      table([
        ['TEMPLATE', 'COMMAND', 'DESCRIPTION'],
        ...templates.map(({ name, spec }) => [name, spec.argv.join(' '), spec.description ?? '']),
      ]),
    );
  return EXIT.ok;
};

/** `name=value` as the type that the template gives the parameter; what does not fit stays text, and the template says what is wrong. */
const valueOf = ({ name, spec }: Template, text: string): readonly [string, unknown] => {
  const at = text.indexOf('=');
  if (at < 1)
    throw new CorralError('invalid_input', `"${text}" is not NAME=VALUE.`, {
      hint: `The parameters of ${name} are: ${Object.keys(spec.params).join(', ') || 'none'}.`,
    });
  const key = text.slice(0, at);
  const value = text.slice(at + 1);
  const parameter = Object.hasOwn(spec.params, key) ? spec.params[key] : undefined;
  const scalar = (type: string, word: string): unknown => (type === 'integer' && /^-?\d+$/.test(word) ? Number(word) : word);
  if (parameter?.type === 'flag' && /^(?:true|false)$/.test(value)) return [key, value === 'true'];
  if (parameter?.type === 'list') return [key, value.split(',').map((word) => scalar(parameter.items.type, word))];
  return [key, scalar(parameter?.type ?? 'string', value)];
};

interface Answer {
  /** Absent while it runs. */
  readonly outcome?: Outcome;
  readonly stdout?: { readonly text: string };
  readonly stderr?: { readonly text: string };
}

/** `corral template run NAME [PARAMETER=VALUE...]`: exits as the command does. */
export const runTemplate = async (
  context: CliContext,
  args: ServerArguments,
  name: string,
  words: readonly string[],
  options: { readonly json?: boolean },
): Promise<number> => {
  const loaded = await loadSettings(context, args);
  if (loaded.config.templates === undefined) throw NO_FILE;
  const template = loaded.templates.find((one) => one.name === name);
  if (template === undefined)
    throw new CorralError('not_found', `There is no template "${name}".`, { hint: '`corral template ls` lists them.' });
  const values = Object.fromEntries(words.map((word) => valueOf(template, word)));
  const app = openGuest(context, loaded, 'client', 'template run');
  return withApp(app, async () => {
    const answer = (await callOperation(app, `template.${name}`, {
      ...values,
      ...(Object.hasOwn(template.spec.params, 'wait_seconds') ? {} : { wait_seconds: 50 }),
    })) as unknown as Answer;
    if (options.json === true) process.stdout.write(`${JSON.stringify(answer)}\n`);
    else {
      process.stdout.write(answer.stdout?.text ?? '');
      process.stderr.write(answer.stderr?.text ?? '');
    }
    if (answer.outcome !== undefined) return exitCodeOf(answer.outcome);
    throw new CorralError('limit_exceeded', `${name} took longer than 50 s and was ended with its sandbox.`, {
      hint: 'Serve it to a client that waits, or give the template a timeoutSeconds.',
    });
  });
};
