import { parse, type AndOr, type For, type PipelineNode, type Statement } from 'unbash';
import { POLICY_LIMITS } from '../limits.ts';
import { refuseCharacters, utf8Length } from '../text.ts';
import type { Refusal } from '../types.ts';
import { readCommand, type Tally } from './commands.ts';
import { checkGaps } from './gaps.ts';
import { isLiteral, wordText, type PlanCd, type PlanCommand, type PlanStep, type ShellPlan, type When } from './plan.ts';
import { NotUnderstood, refuse } from './refuse.ts';
import { readWord, type Variables } from './words.ts';

export type ParsedShell = { readonly ok: true; readonly plan: ShellPlan };

const NAMES: Readonly<Record<string, string>> = {
  Subshell: 'a subshell',
  BraceGroup: 'a group of commands',
  Function: 'a function',
  Coproc: 'a coprocess',
  If: 'if',
  While: 'a loop',
  Select: 'select',
  Case: 'case',
  ArithmeticFor: 'a loop',
  ArithmeticCommand: 'an arithmetic command',
  TestCommand: 'the test [[ ]]',
  For: 'a loop inside another construct',
  Redirected: 'a redirection of a compound command',
};

const readPipeline = (node: PipelineNode, when: When, variables: Variables, tally: Tally): PlanStep => {
  if (node.type === 'Command') {
    const command = readCommand(node, variables, tally);
    return { when, stages: command.kind === 'cd' ? [command] : [command], timed: false };
  }
  if (node.type !== 'Pipeline') return refuse(NAMES[node.type] ?? node.type, node.pos);
  let timed = false;
  for (const prefix of node.prefixes) {
    if (prefix.type !== 'Time' || prefix.posix !== undefined || prefix.endOfOptions !== undefined || timed)
      return refuse(prefix.type === 'Time' ? 'this form of time' : '!', prefix.pos);
    timed = true;
  }
  if (node.operators.some((operator) => operator !== '|')) return refuse('|&', node.pos, 'write 2>&1 |');
  if (node.commands.length > POLICY_LIMITS.stages)
    return refuse('so long a pipeline', node.pos, `at most ${String(POLICY_LIMITS.stages)} programs are accepted`);
  const stages: (PlanCommand | PlanCd)[] = [];
  for (const command of node.commands) {
    if (command.type !== 'Command') return refuse(NAMES[command.type] ?? command.type, command.pos);
    stages.push(readCommand(command, variables, tally));
  }
  const [first] = stages;
  if (first === undefined) return refuse('time without a command', node.pos);
  if (stages.length === 1 && first.kind === 'cd') return { when, stages: [first], timed };
  return {
    when,
    stages: stages.map((stage) => (stage.kind === 'cd' ? refuse('cd in a pipeline', stage.at, 'it would change nothing') : stage)),
    timed,
  };
};

const readAndOr = (node: AndOr, variables: Variables, tally: Tally): readonly PlanStep[] =>
  node.commands.map((command, index) => {
    const when: When = index === 0 ? 'always' : node.operators[index - 1] === '&&' ? 'success' : 'failure';
    return readPipeline(command, when, variables, tally);
  });

/** `for name in words; do ...; done` over words that are written out: the body, once for each. */
const readFor = (node: For, variables: Variables, tally: Tally, depth: number): readonly PlanStep[] => {
  const name = node.name.text;
  if (depth >= POLICY_LIMITS.loops) return refuse('loops nested so deeply', node.pos);
  if (node.wordlist === undefined || !/^[a-z_][a-z0-9_]{0,31}$/.test(name) || name.endsWith('_proxy'))
    return refuse('this form of for', node.pos, 'write: for name in a b; do ...; done');
  return node.wordlist.flatMap((item) => {
    const word = readWord(item, variables);
    if (!isLiteral(word)) return refuse('a pattern or ~ in the words of a loop', item.pos, 'write them out');
    return readStatements(node.body.commands, new Map(variables).set(name, wordText(word)), tally, depth + 1);
  });
};

const readStatements = (statements: readonly Statement[], variables: Variables, tally: Tally, depth: number): readonly PlanStep[] =>
  statements.flatMap(({ command, background, pos }) => {
    if (background === true) return refuse('&', pos, 'nothing runs in the background of a command; start it as an execution of its own');
    if (command.type === 'AndOr') return readAndOr(command, variables, tally);
    if (command.type === 'For') return readFor(command, variables, tally, depth);
    return [readPipeline(command, 'always', variables, tally)];
  });

/** Openings for each of which the parser may read the rest of the text. */
const OPENINGS = /\$[{([]|`|<</g;
/** Openings times characters: a few milliseconds. */
const WORK = 500_000;

const read = (text: string): ParsedShell | Refusal => {
  const openings = text.match(OPENINGS);
  if (openings !== null && openings.length * text.length > WORK)
    return refuse('so many expansions in so long a text', text.indexOf(openings[0] ?? ''), 'shorten it');
  const script = parse(text);
  const error = script.errors?.[0];
  if (error !== undefined) return refuse('a syntax error', error.pos, error.message);
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(text)) return refuse('a backslash at the end', text.length - 1, 'it escapes nothing');
  const steps = readStatements(script.commands, new Map(), { commands: 0, words: 0 }, 0);
  checkGaps(text, script);
  if (steps.length === 0) return refuse('an empty text', 0, 'there is no command in it');
  return { ok: true, plan: { version: 1, steps } };
};

/**
 * Shell text as a plan, or what in it is not in the grammar. The grammar is positive: simple commands with literal words, globs and `~`; pipelines; lists
 * with `;`, newline, `&&` and `||`; `cd`; redirections to descriptors, files and quoted here-documents; loops over words that are written out.
 */
export const parseShell = (text: string): ParsedShell | Refusal => {
  try {
    if (text.length > POLICY_LIMITS.shellBytes || utf8Length(text) > POLICY_LIMITS.shellBytes)
      return refuse('so long a text', 0, `at most ${String(POLICY_LIMITS.shellBytes)} bytes are accepted`);
    return refuseCharacters(text) ?? read(text);
  } catch (error) {
    if (error instanceof NotUnderstood) return error.refusal;
    // A parser that failed has not understood.
    return {
      ok: false,
      construct: 'the text',
      reason: `the parser failed: ${error instanceof Error ? error.message : String(error)}`,
      at: 0,
    };
  }
};
