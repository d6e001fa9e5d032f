import { objection, type Arg, type ProgramClass, type Unwrapped } from './program.ts';

interface Shape {
  /** Letters without a value. */
  readonly flags?: string;
  /** Letters with one, and what it has to look like. */
  readonly values?: Readonly<Record<string, RegExp>>;
  /** `--name` and `--name=value`. */
  readonly long?: Readonly<Record<string, RegExp | true>>;
  /** Operands before the command. */
  readonly operands?: readonly RegExp[];
  /** `-5` is taken. */
  readonly digits?: boolean;
  /** `NAME=value` before the command. */
  readonly assignments?: RegExp;
  /** More arguments come from standard input. */
  readonly appends?: boolean;
  /** Without a command it does something harmless. */
  readonly alone?: boolean;
}

const NUMBER = /^[+-]?\d+$/;
const DURATION = /^(?:\d+\.?\d*|\.\d+)[smhd]?$/;
const SIGNAL = /^(?:SIG)?[A-Z0-9+]{1,10}$/;
const MODE = /^(?:0|L|\d+[KMGkmg]?B?)$/;
const COUNT = /^\d+$/;

const SHAPES: Readonly<Record<string, Shape>> = {
  // -S splits text into words, -C and -u change what is found: not here.
  env: { assignments: /^(?:LANG|LC_(?:ALL|COLLATE|CTYPE|MESSAGES|MONETARY|NUMERIC|TIME))=[A-Za-z0-9_.@-]{0,32}$/, alone: true },
  nice: { values: { n: NUMBER }, long: { adjustment: NUMBER }, digits: true, alone: true },
  ionice: {
    flags: 't',
    values: { c: /^[0-3]$|^(?:idle|best-effort|realtime|none)$/, n: /^[0-7]$/ },
    long: { class: /^[0-3]$|^[a-z-]+$/, classdata: /^[0-7]$/, ignore: true },
  },
  timeout: {
    flags: 'v',
    values: { k: DURATION, s: SIGNAL },
    long: { 'kill-after': DURATION, signal: SIGNAL, 'preserve-status': true, verbose: true, foreground: true },
    operands: [DURATION],
  },
  nohup: {},
  stdbuf: { values: { i: MODE, o: MODE, e: MODE }, long: { input: MODE, output: MODE, error: MODE } },
  time: { flags: 'pv', values: { f: /^[^]*$/ }, long: { portability: true, verbose: true, format: /^[^]*$/ } },
  xargs: {
    flags: '0rtx',
    values: { d: /^[^]{1,4}$/, E: /^[^]*$/, I: /^[^]+$/, L: COUNT, n: COUNT, P: COUNT, s: COUNT },
    long: {
      null: true,
      'no-run-if-empty': true,
      verbose: true,
      exit: true,
      delimiter: /^[^]{1,4}$/,
      eof: /^[^]*$/,
      replace: /^[^]+$/,
      'max-lines': COUNT,
      'max-args': COUNT,
      'max-procs': COUNT,
      'max-chars': COUNT,
    },
    appends: true,
  },
};

/** Reads one option; gives how many arguments it takes. */
const takeOption = (name: string, shape: Shape, args: readonly Arg[], at: number): number | Unwrapped => {
  const text = args[at]?.text ?? '';
  const refused = (): Unwrapped => objection(`option ${text}`, `${name} ${text} is not on the list of what this wrapper may be given`, at);
  if (shape.digits === true && /^-[+-]?\d+$/.test(text)) return 1;
  const long = /^--([a-z-]+)(?:=([^]*))?$/.exec(text);
  if (long !== null) {
    const wanted = Object.hasOwn(shape.long ?? {}, long[1] ?? '') ? shape.long?.[long[1] ?? ''] : undefined;
    if (wanted === undefined) return refused();
    if (wanted === true) return long[2] === undefined ? 1 : refused();
    const value = long[2] ?? (args[at + 1]?.fixed === true ? args[at + 1]?.text : undefined);
    return value !== undefined && wanted.test(value) ? (long[2] === undefined ? 2 : 1) : refused();
  }
  for (let index = 1; index < text.length; index += 1) {
    const letter = text[index] ?? '';
    if (shape.flags?.includes(letter) === true) continue;
    const wanted = Object.hasOwn(shape.values ?? {}, letter) ? shape.values?.[letter] : undefined;
    if (wanted === undefined) return refused();
    const attached = text.slice(index + 1);
    const next = args[at + 1]?.fixed === true ? args[at + 1]?.text : undefined;
    const value = attached === '' ? next : attached;
    return value !== undefined && wanted.test(value) ? (attached === '' ? 2 : 1) : refused();
  }
  return text.length > 1 ? 1 : refused();
};

const unwrap = (name: string, shape: Shape, args: readonly Arg[]): Unwrapped => {
  let at = 0;
  const operands = [...(shape.operands ?? [])];
  for (; at < args.length; at += 1) {
    const arg = args[at];
    if (arg === undefined) break;
    if (!arg.fixed) return objection('a pattern before the command of a wrapper', 'an unquoted pattern stands here; quote it', at);
    if (arg.text === '--') {
      at += 1;
      break;
    }
    if (!arg.text.startsWith('-')) break;
    const taken = takeOption(name, shape, args, at);
    if (typeof taken !== 'number') return taken;
    at += taken - 1;
  }
  for (; shape.assignments !== undefined && /^[^=]*=/.test(args[at]?.text ?? ''); at += 1)
    if (!shape.assignments.test(args[at]?.text ?? ''))
      return objection(`the assignment ${args[at]?.text ?? ''}`, 'only LANG and LC_* may be set', at);
  for (const operand of operands) {
    const arg = args[at];
    if (arg?.fixed !== true || !operand.test(arg.text))
      return objection(`the argument ${arg?.text ?? ''}`, `${name} does not take ${arg?.text ?? 'nothing'} here`, at);
    at += 1;
  }
  if (at < args.length) return { start: at, appended: shape.appends === true };
  return shape.alone === true ? { start: undefined } : objection(name, `${name} has no command to start`, Math.max(at - 1, 0));
};

export const WRAPPERS: ReadonlyMap<string, ProgramClass> = new Map(
  Object.entries(SHAPES).map(([name, shape]) => [name, { kind: 'wrapper', unwrap: (args: readonly Arg[]) => unwrap(name, shape, args) }]),
);

/** The word that xargs -I replaces, when it is used. */
export const replacedWord = (args: readonly Arg[]): string | undefined => {
  for (const [index, { text }] of args.entries()) {
    const found = /^(?:-[0rtx]*I|--replace=)([^]*)$/.exec(text);
    if (found !== null) return found[1] === '' ? args[index + 1]?.text : found[1];
  }
  return undefined;
};
