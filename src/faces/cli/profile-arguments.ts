import { flagOf } from '../../core/config/schema.ts';
import { CorralError } from '../../ports/errors.ts';
import { COMMANDS } from './commands.ts';
import type { Flag, FlagValues } from './flags.ts';

/** One profile, with the arguments that are for it. */
export interface ChosenProfile {
  readonly name: string;
  readonly argv: readonly string[];
}

export interface ProfileArguments {
  /** In the order in which they were given; at least one. */
  readonly profiles: readonly ChosenProfile[];
  readonly configFile: string | undefined;
  readonly flags: FlagValues;
  /** `corral serve --profile NAME`: over HTTP, whatever the profile would choose. */
  readonly overHttp: boolean;
}

/** Does this option, given to this profile, mean the profile's own and not Corral's? */
export type IsClaimed = (profile: string, option: string) => boolean;

const OPTION = 'profile';
const VARIABLE = 'CORRAL_PROFILE';

/** Worth a closer look? Costs nothing, since every start asks. */
export const mayNameProfile = (argv: readonly string[], env: Readonly<Record<string, string | undefined>>): boolean =>
  (env[VARIABLE] ?? '') !== '' || argv.some((word) => word === `--${OPTION}` || word.startsWith(`--${OPTION}=`));

interface Known {
  readonly key: Flag['key'] | typeof CONFIG_FILE;
  readonly kind: Flag['kind'];
  /** Of a boolean: what naming it means. */
  readonly means: boolean;
}

const CONFIG_FILE = 'config';

const knownOptions = (flags: readonly Flag[]): ReadonlyMap<string, Known> =>
  new Map<string, Known>([
    [CONFIG_FILE, { key: CONFIG_FILE, kind: 'text', means: true }],
    ...flags.flatMap(({ key, name, kind }): [string, Known][] => [
      [name, { key, kind, means: true }],
      ...(kind === 'boolean' ? [[`no-${name}`, { key, kind, means: false }] as [string, Known]] : []),
      ...(kind === 'list' ? [[flagOf(key), { key, kind, means: true }] as [string, Known]] : []),
    ]),
  ]);

/**
 * Divides the arguments between Corral and the profiles: Corral's own options are Corral's wherever they stand, everything else belongs to
 * the profile named before it (or, before any, to the first), and so does all that follows `--`. Undefined when a command was asked for.
 * Throws `invalid_input` for an option without its value.
 */
export const readProfileArguments = (
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  flags: readonly Flag[],
  isClaimed: IsClaimed,
): ProfileArguments | undefined => {
  const known = knownOptions(flags);
  const chosen: { name: string; argv: string[] }[] = [];
  const before: string[] = [];
  const values: Partial<Record<string, unknown>> = {};
  let overHttp = false;

  const byVariable = (env[VARIABLE] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const words = (): string[] => chosen.at(-1)?.argv ?? before;
  /** To whom an option would go if it is not Corral's. */
  const owner = (): string | undefined => chosen.at(-1)?.name ?? (byVariable.length === 1 ? byVariable[0] : undefined);

  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (word === '--') {
      words().push(...argv.slice(at + 1));
      break;
    }
    const [, name = '', inline] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(word) ?? [];
    const option = known.get(name);
    const value = (): string => {
      const given = inline ?? argv[(at += 1)];
      if (given === undefined) throw new CorralError('invalid_input', `--${name} needs a value.`, { hint: `Write --${name}=VALUE.` });
      return given;
    };
    if (name === OPTION) chosen.push({ name: value(), argv: [] });
    else if (option !== undefined && !isClaimed(owner() ?? '', name)) {
      if (option.kind === 'boolean') values[option.key] = inline === undefined ? option.means : inline;
      else if (option.kind === 'list') values[option.key] = [...((values[option.key] as string[] | undefined) ?? []), value()];
      else values[option.key] = value();
    } else if (chosen.length === 0 && before.length === 0 && COMMANDS.has(word)) {
      if (word !== 'serve' || overHttp) return undefined;
      overHttp = true;
    } else words().push(word);
  }

  if (chosen.length === 0) chosen.push(...byVariable.map((name) => ({ name, argv: [] })));
  const [first, second] = chosen;
  if (first === undefined) return undefined;
  if (second !== undefined && before.length > 0)
    throw new CorralError('invalid_input', `It is not clear which profile ${JSON.stringify(before[0])} is for.`, {
      hint: 'Write the arguments of a profile after its --profile NAME.',
    });
  first.argv.unshift(...before);
  const { [CONFIG_FILE]: configFile, ...own } = values;
  return { profiles: chosen, configFile: configFile as string | undefined, flags: own, overHttp };
};
