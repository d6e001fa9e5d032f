import { isAbsolute, posix } from 'node:path';
import type { Subject } from '../operation.ts';
import { isLiteral, type PlanStep, type Word, wordText } from '../policy/shell/plan.ts';
import type { Decision } from '../policy/types.ts';

/** Words looked at in one call. */
const MAX_WORDS = 128;
const MAX_PATH = 4096;
/** Of one name in a path: no file system here has longer ones. */
const MAX_NAME = 255;
/** Folders that a command may have changed to. */
const MAX_BASES = 8;

export interface NamedFiles {
  /** Paths that may be files, absolute, each once. */
  readonly paths: readonly string[];
  /** What may name files that are not known before it runs: nobody can be shown those. */
  readonly unknown: readonly string[];
}

const mayBePath = (text: string): boolean =>
  text !== '' &&
  text !== '-' &&
  text.length <= MAX_PATH &&
  !text.includes('\0') &&
  text.split('/').every((name) => Buffer.byteLength(name) <= MAX_NAME);

/** `--file=path` and `FILE=path` name a file as well. */
const pathsIn = (word: string): readonly string[] => {
  const value = word.indexOf('=');
  const parts = value < 0 ? [] : [word.slice(value + 1)];
  return [...(word.startsWith('-') ? [] : [word]), ...parts].filter(mayBePath);
};

interface Found {
  readonly words: Set<string>;
  readonly folders: string[];
  readonly unknown: Set<string>;
}

const readWord = (word: Word, found: Found): void => {
  if (isLiteral(word) || word.every((part) => !('glob' in part))) found.words.add(wordText(word));
  else found.unknown.add(`files that match ${wordText(word)}`);
};

const readStep = ({ stages }: PlanStep, found: Found): void => {
  for (const stage of stages) {
    if (stage.kind === 'cd') {
      found.folders.push(stage.path);
      continue;
    }
    for (const word of stage.argv) readWord(word, found);
    for (const { target } of stage.redirects) if (target.kind === 'file' && target.mode === 'read') found.words.add(target.path);
  }
};

/** Text that a real shell reads: no more than a guess at the words in it. */
const readText = (shell: string, found: Found): void => {
  for (const word of shell.split(/[\s"'`;|&<>(){}]+/)) if (word !== '') found.words.add(word);
  found.unknown.add('files that the shell finds by itself');
};

/** Finds what a call names that may be a file beneath the workspaces. `cwd` and `home` are as seen inside. */
export const namedFiles = (subject: Subject, decision: Decision, cwd: string, home: string): NamedFiles => {
  const found: Found = { words: new Set(subject.paths), folders: [cwd], unknown: new Set() };
  for (const word of subject.argv ?? []) found.words.add(word);
  if (subject.shell !== undefined && decision.plan !== undefined) for (const step of decision.plan.steps) readStep(step, found);
  else if (subject.shell !== undefined) readText(subject.shell, found);

  const bases: string[] = [];
  for (const folder of found.folders) {
    const base = bases.at(-1) ?? '/';
    bases.push(isAbsolute(folder) ? folder : posix.join(base, folder.replace(/^~(?=\/|$)/, home)));
  }
  if (bases.length > MAX_BASES) found.unknown.add('files in further folders that it changes to');
  const paths = new Set<string>();
  const words = [...new Set([...found.words].flatMap(pathsIn))];
  if (words.length > MAX_WORDS) found.unknown.add(`files named by the ${words.length - MAX_WORDS} further words`);
  for (const word of words.slice(0, MAX_WORDS)) {
    const path = word.replace(/^~(?=\/|$)/, home);
    for (const base of isAbsolute(path) ? ['/'] : bases.slice(0, MAX_BASES)) paths.add(posix.resolve(base, path));
  }
  return { paths: [...paths], unknown: [...found.unknown] };
};
