import { basename } from 'node:path';
import { POLICY_LIMITS } from './limits.ts';
import { LAUNCHERS, type Launcher, READERS, SCANNED, SHELLS } from './programs/launchers.ts';
import { readStarted, type Dialect, type KnownWord, type StartedCommand } from './shell/started.ts';

/** The names under which programs would be started, as they are written; or why they are not all known. */
export type StartedPrograms =
  | { readonly known: true; readonly names: readonly string[] }
  | { readonly known: false; readonly reason: string };

class Unknown extends Error {}

const unknown = (reason: string): never => {
  throw new Unknown(reason);
};

/** Splits what a program may run later on: any token in it may be a name. */
const tokens = (text: string): readonly string[] => text.split(/[\s;&|()<>"'`{}]+/).filter((token) => token !== '');

const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*\+?=/;
/** Text that a builtin evaluates as arithmetic, and with it what stands in a subscript. */
const EVALUATED = /\[[^\]]*(?:\$\(|`)/;

/** How many words an option takes. */
const widthOf = (word: string, { values = '', long = [] }: Launcher): number => {
  if (word.startsWith('--')) return !word.includes('=') && long.some((name) => name.startsWith(word.slice(2))) ? 2 : 1;
  const at = word
    .slice(1)
    .split('')
    .findIndex((letter) => values.includes(letter));
  return at >= 0 && at === word.length - 2 ? 2 : 1;
};

interface Reader {
  readonly names: string[];
  depth: number;
}

/** Arguments of xargs with the word that it replaces taken out: what comes in its place is only known when it runs. */
const withoutReplaced = (rest: readonly KnownWord[]): readonly KnownWord[] => {
  for (const [index, word = ''] of rest.entries()) {
    const [, short, long] = /^(?:-[0a-zA-Z]*?[Ii](.*)|--replace(?:=(.*))?)$/s.exec(word) ?? [];
    if (short === undefined && !word.startsWith('--replace')) continue;
    const apart = short === '' && word.endsWith('I');
    const token = (apart ? rest[index + 1] : (short ?? long)) ?? '';
    const first = index + (apart ? 2 : 1);
    return rest.map((other, at) => (at >= first && other?.includes(token === '' ? '{}' : token) === true ? undefined : other));
  }
  return rest;
};

const readText = (text: string, dialect: Dialect, reader: Reader): void => {
  const started = readStarted(text, dialect);
  if (!started.ok) return unknown(started.reason);
  reader.depth += 1;
  if (reader.depth > POLICY_LIMITS.wrappers) unknown('it is nested too deeply');
  for (const command of started.commands) readCommand(command, reader);
  reader.depth -= 1;
};

const literal = (word: KnownWord, what: string): string => word ?? unknown(`${what} is only known when it runs`);

/** Text that is put together of several words. */
const joined = (words: readonly KnownWord[]): string => words.map((word) => literal(word, 'the text of a command')).join(' ');

/** `appended`: further arguments come from somewhere else. */
const readLauncher = (name: string, launcher: Launcher, given: readonly KnownWord[], reader: Reader, appended: boolean): void => {
  const rest = name === 'xargs' ? withoutReplaced(given) : given;
  let at = 0;
  let operands = launcher.operands ?? 0;
  while (at < rest.length) {
    const word = literal(rest[at], `an argument of ${name}`);
    if (word === '--') {
      at += 1;
      break;
    }
    const isOption = word.startsWith('-') && word !== '-';
    if (isOption) {
      if (launcher.looks?.test(word) === true) return;
      if (launcher.refused?.test(word) === true) unknown(`${name} ${word} decides at run time what is started`);
      if (launcher.text?.test(word) === true) return readText(joined(rest.slice(at + 1, at + 2)), 'sh', reader);
      const width = widthOf(word, launcher);
      // Unquoted, it may become several words, and one of them the program.
      if (width === 2 && at + 1 < rest.length) literal(rest[at + 1], `an argument of ${name}`);
      at += width;
    } else if (launcher.assignments === true && ASSIGNMENT.test(word)) at += 1;
    else if (operands > 0) {
      operands -= 1;
      at += 1;
    } else break;
  }
  for (; operands > 0 && at < rest.length; operands -= 1) {
    literal(rest[at], `an argument of ${name}`);
    at += 1;
  }
  const command = rest.slice(at);
  if (command.length === 0) return appended ? unknown(`what ${name} starts is only known when it runs`) : undefined;
  if (launcher.text?.test(command[0] ?? '') === true) readText(joined(command.slice(1, 2)), 'sh', reader);
  else if (launcher.joins === true) readText(joined(command), 'sh', reader);
  else readCommand({ words: command, input: undefined }, reader, appended || name === 'xargs');
};

/** A shell: text behind -c, a file, or what it reads. Of a file nothing is known but its name. */
const readShell = (name: string, { words, input }: StartedCommand, reader: Reader): void => {
  const dialect: Dialect = name === 'bash' ? 'bash' : 'sh';
  const rest = words.slice(1);
  for (let at = 0; at < rest.length; at += 1) {
    const word = literal(rest[at], `an argument of ${name}`);
    if (/^--(?:version|help)$/.test(word)) return;
    if (/^-[a-zA-Z]*c/.test(word)) {
      const text = rest.slice(at + 1).find((next) => next === undefined || !/^[-+]./.test(next));
      return readText(literal(text, 'the text of a command'), dialect, reader);
    }
    if (/^-[a-zA-Z]*s/.test(word) || word === '-') break;
    if (/^[-+]/.test(word)) {
      if (/^[-+][a-zA-Z]*[oO]$|^--(?:rcfile|init-file)$/.test(word)) at += 1;
      continue;
    }
    if (/^\/(?:dev|proc)\//.test(word)) break;
    return;
  }
  if (input === undefined) return unknown(`${name} reads commands that nobody can see beforehand`);
  readText(input, dialect, reader);
};

const readFind = (words: readonly KnownWord[], reader: Reader): void => {
  for (const [index, word] of words.entries())
    if (word === undefined) unknown('an argument of find is only known when it runs');
    else if (/^-(?:exec|execdir|ok|okdir)$/.test(word)) readCommand({ words: words.slice(index + 1), input: undefined }, reader);
};

/** Builtins that take text for commands, or change what names mean. */
const readBuiltin = (name: string, rest: readonly KnownWord[], reader: Reader): boolean => {
  switch (name) {
    case 'eval':
      readText(joined(rest), 'sh', reader);
      return true;
    case 'trap':
      if (rest[0] !== undefined && !/^-[lp]/.test(rest[0])) readText(rest[0], 'sh', reader);
      else if (rest.length > 0 && rest[0] === undefined) unknown('what a trap does is only known when it runs');
      return true;
    case 'alias':
      if (rest.some((word) => word?.includes('=') !== false)) unknown('an alias changes what names mean');
      return true;
    case 'hash':
    case 'enable':
    case 'mapfile':
    case 'readarray':
      if (rest.some((word) => word === undefined || /^-[a-zA-Z]*[pfC]/.test(word))) unknown(`${name} changes what names mean`);
      return true;
    case 'jobs':
      if (rest[0] === '-x') readCommand({ words: rest.slice(1), input: undefined }, reader);
      else if (rest.some((word) => word === undefined)) unknown('jobs may start something');
      return true;
    case 'bind':
    case 'compgen':
    case 'complete':
    case 'fc':
      if (rest.some((word) => word === undefined || /^-[a-zA-Z]*[xCFes]/.test(word))) unknown(`${name} starts what its arguments say`);
      return true;
    case '.':
    case 'source':
      if (/^\/(?:dev|proc)\/|^-/.test(literal(rest[0], 'the file of commands')))
        unknown('it reads commands that nobody can see beforehand');
      return true;
    default:
      if (
        /^(?:test|\[|let|declare|typeset|local|read|unset|printf|export|readonly)$/.test(name) &&
        rest.some((word) => EVALUATED.test(word ?? ''))
      )
        unknown(`${name} evaluates what it is given`);
      return false;
  }
};

const readCommand = (command: StartedCommand, reader: Reader, appended = false): void => {
  const { words } = command;
  if (words.length === 0) return;
  const written = literal(words[0], 'the name of a program');
  reader.names.push(written);
  const name = basename(written);
  const rest = words.slice(1);
  if (reader.names.length > POLICY_LIMITS.commands * 8) unknown('it starts too much');
  if (readBuiltin(name, rest, reader)) return;
  reader.depth += 1;
  if (reader.depth > POLICY_LIMITS.wrappers) unknown('it is nested too deeply');
  const launcher = LAUNCHERS.get(name);
  if (launcher !== undefined) readLauncher(name, launcher, rest, reader, appended);
  else if (SHELLS.has(name)) readShell(name, command, reader);
  else if (READERS.has(name) || (appended && (name === 'find' || SCANNED.has(name))))
    unknown(`what ${name} starts is only known when it runs`);
  else if (name === 'find') readFind(rest, reader);
  else if (SCANNED.has(name))
    for (const word of rest)
      reader.names.push(...tokens(literal(word, `an argument of ${name}`)).flatMap((token) => [token, token.replace(/^.*=/, '')]));
  reader.depth -= 1;
};

const reading = (read: (reader: Reader) => void): StartedPrograms => {
  const reader: Reader = { names: [], depth: 0 };
  try {
    read(reader);
    return { known: true, names: [...new Set(reader.names.filter((name) => name !== ''))] };
  } catch (error) {
    if (error instanceof Unknown) return { known: false, reason: error.message };
    throw error;
  }
};

/**
 * The programs that shell text starts, through shells and wrappers around them: for a list of what must not be started. It is no boundary: what
 * a program does that is handed a file or code of another language is not seen.
 */
export const programsOfText = (text: string, dialect: Dialect): StartedPrograms => reading((reader) => readText(text, dialect, reader));

/** The same for a program and its arguments. */
export const programsOfArgv = (argv: readonly string[]): StartedPrograms =>
  reading((reader) => readCommand({ words: argv, input: undefined }, reader));
