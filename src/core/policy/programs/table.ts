import { checkAwk } from './awk.ts';
import { checkFind, FD } from './find.ts';
import { checkGit, GIT_HARDENING } from './git.ts';
import { checkJq } from './jq.ts';
import { LISTED_FILES } from './listed-files.ts';
import { LISTED_TEXT } from './listed-text.ts';
import { optionList } from './options.ts';
import type { Check, ProgramClass } from './program.ts';
import { checkSed } from './sed.ts';
import { anything, checkBracket, checkPrintf, checkTest } from './test.ts';
import { unsafeFamily, UNSAFE } from './unsafe.ts';
import { WRAPPERS } from './wrappers.ts';

/** Finds the class of a program by its exact name; undefined = unknown: no option list exists. */
export type ClassOf = (name: string) => ProgramClass | undefined;

const listed = (check: Check): ProgramClass => ({ kind: 'listed', check });
const data: ProgramClass = { kind: 'listed', check: anything, takesAnything: true };

/** Names that mean the same program. */
export const ALIASES: ReadonlyMap<string, string> = new Map([['[', 'test']]);

/** The table of program classes. Made once and shared; nothing in it changes. */
export const createClasses = (): ClassOf => {
  const table = new Map<string, ProgramClass>();
  for (const lists of [LISTED_FILES, LISTED_TEXT])
    for (const [name, list] of Object.entries(lists)) table.set(name, listed(optionList(list)));
  for (const [name, known] of [...UNSAFE, ...WRAPPERS]) table.set(name, known);
  for (const name of ['echo', 'expr', 'true', 'false', 'yes']) table.set(name, data);
  // These have no option that writes, starts or reads a list of names, and show names and attributes alone.
  for (const name of ['basename', 'dirname', 'ls', 'stat', 'readlink', 'realpath']) {
    const known = table.get(name);
    if (known?.kind === 'listed') table.set(name, { ...known, takesAnything: true });
  }
  table.set('printf', listed(checkPrintf));
  table.set('test', listed(checkTest));
  table.set('[', listed(checkBracket));
  table.set('find', listed(checkFind));
  for (const name of ['fd', 'fdfind']) table.set(name, listed(optionList(FD)));
  for (const name of ['sed', 'gsed']) table.set(name, listed(checkSed));
  for (const name of ['awk', 'gawk', 'mawk', 'nawk', 'original-awk']) table.set(name, listed(checkAwk));
  for (const name of ['jq', 'gojq', 'jaq']) table.set(name, listed(checkJq));
  table.set('git', { kind: 'listed', check: checkGit, hardening: GIT_HARDENING });
  return (name) => table.get(name) ?? unsafeFamily(name);
};
