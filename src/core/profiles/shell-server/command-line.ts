import { mistake } from './texts.ts';

export interface FileRedirect {
  readonly kind: 'read' | 'write' | 'append';
  /** As it was written: relative to the directory of the call. */
  readonly path: string;
}

/** One program of a pipeline. */
export interface Stage {
  /** The name as the allow-list knows it, then its arguments as they were given. */
  readonly argv: readonly string[];
  readonly redirects: readonly FileRedirect[];
}

const REDIRECTS: ReadonlyMap<string, FileRedirect['kind']> = new Map([
  ['<', 'read'],
  ['>', 'write'],
  ['>>', 'append'],
]);
const LISTS: ReadonlySet<string> = new Set([';', '&&', '||']);

const readStage = (words: readonly string[]): Stage => {
  const argv: string[] = [];
  const redirects: FileRedirect[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const kind = REDIRECTS.get(word);
    if (kind === undefined) {
      argv.push(argv.length === 0 ? word.trim() : word);
      continue;
    }
    const path = words[(at += 1)];
    if (path === undefined || path === '') throw mistake(`Missing path for ${kind === 'read' ? 'input' : 'output'} redirection`);
    if (REDIRECTS.has(path)) throw mistake('Invalid redirection target: operator found');
    redirects.push({ kind, path });
  }
  return { argv, redirects };
};

/**
 * What an array of words asks for: a pipeline of one or more programs. An operator is a word of its own and nothing else; every other word
 * is an argument as it stands. Throws in the words of the original.
 */
export const readCommand = (words: readonly string[]): readonly Stage[] => {
  const isPipeline = words.includes('|');
  const list = words.find((word) => LISTS.has(word));
  if (list !== undefined) throw mistake(`Unexpected shell operator${isPipeline ? ' in pipeline' : ''}: ${list}`);
  const stages: string[][] = [[]];
  for (const [at, word] of words.entries()) {
    if (word !== '|') stages.at(-1)?.push(word);
    else if (stages.at(-1)?.length === 0) throw mistake('Empty command before pipe operator');
    else if (at === words.length - 1) throw mistake('Unexpected shell operator: |');
    else if (REDIRECTS.has(words[at - 1] ?? '')) throw mistake('Invalid redirection target: operator found');
    else stages.push([]);
  }
  return stages.map((stage) => {
    const read = readStage(stage);
    if (read.argv.length === 0) throw mistake(isPipeline ? 'Empty command before pipe operator' : 'Empty command');
    return read;
  });
};
