import { isAbsolute, posix } from 'node:path';
import { isWithin } from '../../lib/is-within.ts';
import type { Subject } from '../operation.ts';
import { type Arg, literalArg } from '../policy/programs/program.ts';
import type { ClassOf } from '../policy/programs/table.ts';
import type { Decision } from '../policy/types.ts';

/** Words that are kept of one command for a grant by prefix. */
const MAX_WORDS = 256;

/**
 * The words of a command of which a prefix may be granted, or one that was granted be used; undefined for all others. It has to be argv of
 * one program whose options are all known to start nothing and to write nothing, given such options and files beneath the roots alone:
 * what comes behind the prefix has been seen by nobody, so wrappers, interpreters, shell text and unknown programs are never covered.
 */
export const prefixWords = (
  classOf: ClassOf,
  { argv, cwd }: Subject,
  { programs }: Decision,
  roots: readonly string[],
): readonly string[] | undefined => {
  const [only] = programs;
  const [name, ...rest] = argv ?? [];
  if (
    name === undefined ||
    argv === undefined ||
    argv.length > MAX_WORDS ||
    only?.path === undefined ||
    programs.length !== 1 ||
    only.name !== name
  )
    return undefined;
  const known = classOf(name);
  const behind = classOf(only.path.slice(only.path.lastIndexOf('/') + 1));
  if (known?.kind !== 'listed' || (behind !== undefined && behind.kind !== 'listed')) return undefined;
  const base = posix.resolve(roots[0] ?? '/', cwd ?? '.');
  const outside = (path: string): string | undefined => {
    const full = isAbsolute(path) ? posix.normalize(path) : posix.resolve(base, path);
    return roots.some((root) => isWithin(full, root)) ? undefined : 'it lies outside the workspaces';
  };
  const args: readonly Arg[] = rest.map(literalArg);
  return known.check(args, { outside, contain: () => undefined }) === undefined ? argv : undefined;
};
