import type { Assignment, Command } from 'unbash';
import { POLICY_LIMITS } from '../limits.ts';
import { isLiteral, wordText, type PlanCd, type PlanCommand, type Redirect, type Word } from './plan.ts';
import { refuse } from './refuse.ts';
import { readRedirection } from './redirects.ts';
import { readWord, type Variables } from './words.ts';

/** What is counted over the whole text. */
export interface Tally {
  commands: number;
  words: number;
}

/** Builtins of the shell that no program stands for: a shell would act on itself. */
const BUILTINS: ReadonlySet<string> = new Set(
  (
    '. : alias bg bind break builtin caller command compgen complete compopt continue declare dirs disown enable eval exec exit export fc fg getopts hash ' +
    'help history jobs let local logout mapfile popd pushd read readarray readonly return set shift shopt source suspend times trap type typeset ulimit ' +
    'umask unalias unset wait'
  ).split(' '),
);

/** Locale only: it changes order and language of what is printed. */
const LOCALE = /^(?:LANG|LC_(?:ALL|COLLATE|CTYPE|MESSAGES|MONETARY|NUMERIC|TIME))$/;
const LOCALE_VALUE = /^[A-Za-z0-9_.@-]{0,32}$/;

const readAssignment = (node: Assignment, variables: Variables): readonly [string, string] => {
  if (node.value.type !== 'Word' || node.append === true || node.index !== undefined) return refuse('an assignment', node.pos);
  const value = readWord(node.value, variables);
  if (!LOCALE.test(node.name) || !isLiteral(value) || !LOCALE_VALUE.test(wordText(value)))
    return refuse(`the assignment ${node.name}=`, node.pos, 'only LANG and LC_* are accepted before a command');
  return [node.name, wordText(value)];
};

const readCd = (argv: readonly Word[], redirects: readonly Redirect[], env: object, at: number): PlanCd => {
  const words = argv.slice(1).filter((word, index) => index > 0 || !isLiteral(word) || wordText(word) !== '--');
  const [target] = words;
  if (words.length !== 1 || target === undefined || !isLiteral(target) || redirects.length > 0 || Object.keys(env).length > 0)
    return refuse('this form of cd', at, 'cd takes one folder, written out');
  const path = wordText(target);
  if (path === '' || path.startsWith('-')) return refuse('this form of cd', at, 'cd takes one folder, written out');
  return { kind: 'cd', path, at };
};

/** A simple command. Its name is a plain word: whatever would have to be found out first is refused. */
export const readCommand = (node: Command, variables: Variables, tally: Tally): PlanCommand | PlanCd => {
  const { name, pos } = node;
  tally.commands += 1;
  if (tally.commands > POLICY_LIMITS.commands)
    return refuse('so many commands', pos, `at most ${String(POLICY_LIMITS.commands)} are accepted`);
  if (name === undefined)
    return refuse(node.prefix.some((part) => part.type === 'Assignment') ? 'a bare assignment' : 'a redirection without a command', pos);
  const first = readWord(name, variables);
  if (!isLiteral(first)) return refuse('a pattern or ~ as the name of a command', name.pos, 'write the name');
  const command = wordText(first);
  if (command === '') return refuse('an empty command name', name.pos);
  if (BUILTINS.has(command)) return refuse(`the shell builtin ${command}`, name.pos, 'no shell runs here that could act on itself');
  const argv: Word[] = [first];
  const env: Record<string, string> = {};
  const redirects: Redirect[] = [];
  for (const part of node.prefix)
    if (part.type === 'Assignment') {
      const [variable, value] = readAssignment(part, variables);
      env[variable] = value;
    } else redirects.push(...readRedirection(part, variables));
  for (const part of node.suffix)
    if (part.type === 'Word') argv.push(readWord(part, variables));
    else if (part.type === 'Assignment') refuse('an assignment as an argument', part.pos);
    else redirects.push(...readRedirection(part, variables));
  tally.words += argv.length;
  if (tally.words > POLICY_LIMITS.words) return refuse('so many words', pos, `at most ${String(POLICY_LIMITS.words)} are accepted`);
  if (redirects.length > POLICY_LIMITS.redirections) return refuse('so many redirections', pos);
  if (command === 'cd') return readCd(argv, redirects, env, name.pos);
  return { kind: 'command', argv, env, redirects, at: name.pos };
};
