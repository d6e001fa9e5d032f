import type { Match, Rule, Rules } from './rules.ts';

export interface Conflict {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string;
}

const FIELDS = [
  'operation',
  'effect',
  'caller',
  'driver',
  'network',
  'program',
  'class',
  'argv',
  'option',
  'cwd',
  'paths',
  'packages',
] as const satisfies readonly (keyof Match)[];

const PATTERNS: ReadonlySet<keyof Match> = new Set<keyof Match>(['operation', 'caller', 'packages']);
const FOLDERS: ReadonlySet<keyof Match> = new Set<keyof Match>(['cwd', 'paths']);

const coversOne = (field: keyof Match, wide: string, narrow: string): boolean => {
  if (wide === narrow) return true;
  if (PATTERNS.has(field)) return wide.endsWith('*') && narrow.startsWith(wide.slice(0, -1));
  return FOLDERS.has(field) && narrow.startsWith(wide.endsWith('/') ? wide : `${wide}/`);
};

/** Does whatever fits `narrow` fit `wide` as well? Says yes only when that is certain. */
const covers = (wide: Rule, narrow: Rule): boolean =>
  FIELDS.every((field) => {
    const one: readonly string[] | undefined = wide.match[field];
    const other: readonly string[] | undefined = narrow.match[field];
    if (one === undefined) return true;
    if (other === undefined) return false;
    if (field === 'argv') return one.length <= other.length && one.every((pattern, index) => pattern === '*' || pattern === other[index]);
    // Allow asks for all, deny for one: different questions have to be about the same list.
    if (
      (field === 'paths' || field === 'packages') &&
      wide.effect !== narrow.effect &&
      (wide.effect === 'deny' || narrow.effect === 'deny') &&
      one.join('\n') !== other.join('\n')
    )
      return false;
    return other.every((text) => one.some((pattern) => coversOne(field, pattern, text)));
  });

const nameOf = (rule: Rule): string => JSON.stringify(rule.id);

const between = (earlier: Rule, later: Rule, index: number): Conflict | undefined => {
  if (earlier.id === later.id)
    return {
      path: ['rules', index, 'id'],
      message: `the id ${nameOf(later)} is used twice`,
      hint: 'Decisions name the rule by its id: give each its own.',
    };
  if (!covers(earlier, later)) return undefined;
  if (covers(later, earlier) && earlier.effect !== later.effect)
    return {
      path: ['rules', index],
      message: `the rule ${nameOf(later)} contradicts ${nameOf(earlier)}: the same conditions, ${later.effect} and ${earlier.effect}`,
      hint: 'Keep one of the two.',
    };
  // An earlier rule that has no program conditions decides text that it does not read; one that has some is about programs alone.
  return {
    path: ['rules', index],
    message: `the rule ${nameOf(later)} is never reached: ${nameOf(earlier)} matches all that it does`,
    hint: 'Put the narrower rule first, or remove it.',
  };
};

const within = (rule: Rule, index: number): Conflict | undefined => {
  const aboutPrograms = (rule.match.program ?? rule.match.class ?? rule.match.argv ?? rule.match.option) !== undefined;
  if (rule.shell === 'real' && aboutPrograms)
    return {
      path: ['rules', index, 'shell'],
      message: `the rule ${nameOf(rule)} has conditions on programs, but text that goes to a real shell is not read`,
      hint: 'Remove the conditions, or shell: real.',
    };
  if (rule.shell === 'real' && rule.match.driver?.includes('host') === true)
    return {
      path: ['rules', index, 'shell'],
      message: `the rule ${nameOf(rule)} gives text to a real shell on the host, where nothing would hold it`,
      hint: 'Name drivers with a sandbox.',
    };
  const grants = rule.unsafe === undefined || rule.unsafe === true ? [] : rule.unsafe;
  const stray = grants.find((name) => rule.match.program !== undefined && !rule.match.program.includes(name));
  if (stray !== undefined)
    return {
      path: ['rules', index, 'unsafe'],
      message: `the rule ${nameOf(rule)} grants ${stray}, which it does not match`,
      hint: 'Add it under match.program, or remove the grant.',
    };
  if (
    rule.effect === 'deny' &&
    (rule.unsafe !== undefined || rule.caps !== undefined || rule.shell === 'real' || rule.redirects !== 'none')
  )
    return {
      path: ['rules', index],
      message: `the rule ${nameOf(rule)} denies and grants at once`,
      hint: 'A rule that denies takes no unsafe, caps, redirects or shell.',
    };
  const relative = [...(rule.match.cwd ?? []), ...(rule.match.paths ?? [])].find(
    (path) => !path.startsWith('/') || /(?:^|\/)\.\.?(?:\/|$)/.test(path),
  );
  if (relative !== undefined)
    return {
      path: ['rules', index, 'match'],
      message: `the rule ${nameOf(rule)} names ${relative}, which is no plain absolute path`,
      hint: 'Write it from / on, without . and ..',
    };
  return undefined;
};

/** The first thing that cannot be meant: an id twice, a rule that says the opposite of another or is hidden by it, a grant for nothing. */
export const findConflict = ({ rules }: Rules): Conflict | undefined => {
  for (const [index, rule] of rules.entries()) {
    const found = within(rule, index);
    if (found !== undefined) return found;
    for (const earlier of rules.slice(0, index)) {
      const conflict = between(earlier, rule, index);
      if (conflict !== undefined) return conflict;
    }
  }
  return undefined;
};
