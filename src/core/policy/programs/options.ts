import { objection, type Arg, type Check, type CheckContext, type Objection } from './program.ts';

/**
 * What a value or an operand is. `text`: data. `look`: a path whose name and attributes are shown, not its content. `read`: a path whose content is shown, so
 * it has to lie beneath the roots. `count`: digits with a unit. A function decides by itself.
 */
export type Kind = 'text' | 'look' | 'read' | 'count' | ((text: string) => string | undefined);

export interface Operands {
  readonly first?: readonly Kind[];
  /** Of all that follow; absent = there are none. */
  readonly rest?: Kind;
}

export interface OptionList {
  /** As getopt has it: `a` a flag, `b:` takes a value, `c?` takes one that is attached. */
  readonly short?: string;
  /** `all` a flag, `width=` takes a value, `color=?` takes one behind `=`; `!output` exists and is refused, so that no abbreviation is taken for another. */
  readonly long?: string;
  /** Kinds of values by letter or long name; `text` otherwise. */
  readonly values?: Readonly<Record<string, Kind>>;
  /** `-5` counts as an option. */
  readonly digits?: boolean;
  /** Options end at the first operand. */
  readonly stops?: boolean;
  /** Unambiguous beginnings of long names are taken, as getopt_long does; only with a complete `long`. */
  readonly abbreviates?: boolean;
  readonly operands: Operands | ((seen: ReadonlySet<string>) => Operands);
}

type Need = 'none' | 'value' | 'attached' | 'refused';

interface Option {
  readonly name: string;
  readonly need: Need;
  readonly kind: Kind;
}

const readShort = (text: string, values: OptionList['values']): ReadonlyMap<string, Option> => {
  const options = new Map<string, Option>();
  for (const [, letter = '', sign] of text.matchAll(/([^:?])([:?]?)/g))
    options.set(letter, {
      name: letter,
      need: sign === ':' ? 'value' : sign === '?' ? 'attached' : 'none',
      kind: values?.[letter] ?? 'text',
    });
  return options;
};

const readLong = (text: string, values: OptionList['values']): ReadonlyMap<string, Option> => {
  const options = new Map<string, Option>();
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const [, bang, name = '', sign] = /^(!?)([^=]+)(=?\??)$/.exec(word) ?? [];
    options.set(name, {
      name,
      need: bang === '!' ? 'refused' : sign === '=' ? 'value' : sign === '=?' ? 'attached' : 'none',
      kind: values?.[name] ?? 'text',
    });
  }
  return options;
};

export const checkKind = (kind: Kind, arg: Arg, text: string, at: number, context: CheckContext): Objection | undefined => {
  if (kind === 'text' || kind === 'look') return undefined;
  if (kind === 'count')
    return /^[+-]?\d+(?:\.\d+)?[A-Za-z%]{0,3}$/.test(text) ? undefined : objection(`the value ${text}`, `${text} is not a number`, at);
  if (kind !== 'read') {
    const reason = arg.fixed ? kind(text) : 'a pattern stands where the text itself has to be known; quote it';
    return reason === undefined ? undefined : objection(`the argument ${text}`, reason, at);
  }
  if (text === '-') return undefined;
  if (!arg.fixed && /(?:^|\/)\.\.(?:\/|$)/.test(text)) return objection(`the path ${text}`, 'a pattern may not lead through ..', at);
  if (!arg.fixed) context.contain(at);
  const reason = context.outside(arg.fixed ? text : arg.head.slice(0, arg.head.lastIndexOf('/') + 1) || '.');
  return reason === undefined ? undefined : objection(`the path ${text}`, reason, at);
};

const unlisted = (option: string, at: number): Objection =>
  objection(`option ${option}`, `option ${option} is not on the list of what this program may be given`, at);

const missing = (option: string, at: number): Objection => objection(`option ${option}`, `option ${option} needs a value`, at);

/** Compiles a list into a check that understands every spelling that the program does. */
export const optionList = (list: OptionList): Check => {
  const short = readShort(list.short ?? '', list.values);
  const long = readLong(list.long ?? '', list.values);
  const names = [...long.keys()];

  const findLong = (name: string): Option | undefined => {
    const exact = long.get(name);
    if (exact !== undefined || list.abbreviates !== true || name.length < 2) return exact;
    const matches = names.filter((candidate) => candidate.startsWith(name));
    return matches.length === 1 ? long.get(matches[0] ?? '') : undefined;
  };

  return (args, context) => {
    const seen = new Set<string>();
    const operands: number[] = [];
    let index = 0;

    /** The value in the next argument; a pattern there might become several. */
    const nextValue = (option: Option, spelled: string): Objection | undefined => {
      index += 1;
      const value = args[index];
      if (value === undefined) return missing(spelled, index - 1);
      if (!value.fixed) return objection('a pattern as a value', `the value of ${spelled} is an unquoted pattern; quote it`, index);
      return checkKind(option.kind, value, value.text, index, context);
    };

    const readLongOption = (arg: Arg): Objection | undefined => {
      const equals = arg.head.indexOf('=');
      if (equals < 0 && !arg.fixed)
        return objection('a pattern as an option', 'an unquoted pattern stands where an option would; quote it', index);
      const name = arg.head.slice(2, equals < 0 ? undefined : equals);
      const option = findLong(name);
      if (option === undefined || option.need === 'refused') return unlisted(`--${name}`, index);
      seen.add(option.name);
      if (equals < 0) return option.need === 'value' ? nextValue(option, `--${name}`) : undefined;
      if (option.need === 'none') return objection(`option --${name}`, `option --${name} takes no value`, index);
      if (!arg.fixed && option.kind !== 'text')
        return objection('a pattern as a value', `the value of --${name} is an unquoted pattern; quote it`, index);
      return checkKind(option.kind, arg, arg.text.slice(equals + 1), index, context);
    };

    const readCluster = (arg: Arg): Objection | undefined => {
      if (!arg.fixed) return objection('a pattern as an option', 'an unquoted pattern stands where an option would; quote it', index);
      if (list.digits === true && /^-\d+$/.test(arg.text)) return undefined;
      for (let at = 1; at < arg.text.length; at += 1) {
        const letter = arg.text[at] ?? '';
        const option = short.get(letter);
        if (option === undefined) return unlisted(`-${letter}`, index);
        seen.add(letter);
        if (option.need === 'none') continue;
        const rest = arg.text.slice(at + 1);
        if (rest !== '') return checkKind(option.kind, arg, rest, index, context);
        return option.need === 'value' ? nextValue(option, `-${letter}`) : undefined;
      }
      return undefined;
    };

    for (; index < args.length; index += 1) {
      const arg = args[index];
      if (arg === undefined) break;
      if (arg.fixed && arg.text === '--') {
        for (index += 1; index < args.length; index += 1) operands.push(index);
        break;
      }
      if (arg.head.startsWith('-') && !(arg.fixed && arg.text === '-')) {
        const found = arg.head.startsWith('--') ? readLongOption(arg) : readCluster(arg);
        if (found !== undefined) return found;
        continue;
      }
      operands.push(index);
      if (list.stops !== true) continue;
      for (index += 1; index < args.length; index += 1) operands.push(index);
    }
    return checkOperands(typeof list.operands === 'function' ? list.operands(seen) : list.operands, operands, args, context);
  };
};

const checkOperands = (
  { first = [], rest }: Operands,
  operands: readonly number[],
  args: readonly Arg[],
  context: CheckContext,
): Objection | undefined => {
  for (const [position, index] of operands.entries()) {
    const arg = args[index];
    const kind = first[position] ?? rest;
    if (arg === undefined) continue;
    if (kind === undefined)
      return objection(`the argument ${arg.text}`, `at most ${String(first.length)} operands are accepted here`, index);
    // The matches of a pattern move everything behind it: it may stand only where more of the same may follow.
    if (!arg.fixed && rest === undefined && first.some((other) => other === 'read' || typeof other === 'function'))
      return objection('a pattern as an argument', 'an unquoted pattern may become several arguments here; quote it', index);
    const found = checkKind(!arg.fixed && rest === 'read' ? 'read' : kind, arg, arg.text, index, context);
    if (found !== undefined) return found;
  }
  return undefined;
};
