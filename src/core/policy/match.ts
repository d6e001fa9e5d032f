import type { ProgramClass } from './programs/program.ts';
import type { Match, Rule } from './rules.ts';
import type { PolicyRequest } from './types.ts';

/** A rule, made ready: sets for what is compared exactly. */
export interface ReadyRule {
  readonly rule: Rule;
  readonly programs: ReadonlySet<string> | undefined;
  /** Has conditions on the program itself, so that shell text must be read before it can be asked. */
  readonly aboutPrograms: boolean;
}

export interface Subject {
  readonly request: PolicyRequest;
  readonly operation: string;
  readonly driver: string;
  readonly network: string;
  readonly caller: string;
  /** Where it would run, links followed; undefined for an operation without a folder. */
  readonly cwd: string | undefined;
  /** Places of the request's paths, links followed. */
  readonly paths: readonly string[];
}

/** A program within the subject. */
export interface Candidate {
  readonly name: string;
  readonly kind: ProgramClass['kind'] | 'unknown';
  readonly args: readonly { readonly text: string }[];
}

export const readyRule = (rule: Rule, aliases: ReadonlyMap<string, string>): ReadyRule => {
  const { program, class: kinds, argv, option } = rule.match;
  const programs = program === undefined ? undefined : new Set(program);
  for (const [alias, name] of aliases) if (programs?.has(name) === true) programs.add(alias);
  return { rule, programs, aboutPrograms: (program ?? kinds ?? argv ?? option) !== undefined };
};

const fits = (patterns: readonly string[] | undefined, text: string): boolean =>
  patterns === undefined || patterns.some((pattern) => (pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : pattern === text));

const beneath = (folders: readonly string[], path: string): boolean =>
  folders.some((folder) => folder === '/' || path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`));

/** For allow and ask all of them have to fit, for deny one is enough; nothing fits a condition on what is not there. */
const each = <T>(items: readonly T[], rule: Rule, fit: (item: T) => boolean): boolean =>
  items.length > 0 && (rule.effect === 'deny' ? items.some(fit) : items.every(fit));

/** The first condition on the request that does not hold; undefined when all do. */
export const requestMismatch = ({ rule }: ReadyRule, subject: Subject): keyof Match | undefined => {
  const { match } = rule;
  if (!fits(match.operation, subject.operation)) return 'operation';
  if (match.effect !== undefined && !match.effect.includes(subject.request.effect ?? 'execute')) return 'effect';
  if (!fits(match.caller, subject.caller)) return 'caller';
  if (match.driver !== undefined && !match.driver.some((name) => name === subject.driver)) return 'driver';
  if (match.network !== undefined && !match.network.some((name) => name === subject.network)) return 'network';
  if (match.cwd !== undefined && (subject.cwd === undefined || !beneath(match.cwd, subject.cwd))) return 'cwd';
  const { paths, packages } = match;
  if (paths !== undefined && !each(subject.paths, rule, (path) => beneath(paths, path))) return 'paths';
  if (packages !== undefined && !each(subject.request.packages ?? [], rule, (name) => fits(packages, name))) return 'packages';
  return undefined;
};

/** The first condition on the program that does not hold; undefined when all do. */
export const programMismatch = ({ rule, programs }: ReadyRule, { name, kind, args }: Candidate): keyof Match | undefined => {
  if (programs !== undefined && !programs.has(name)) return 'program';
  const { class: kinds, argv, option } = rule.match;
  if (kinds !== undefined && !kinds.includes(kind)) return 'class';
  if (argv?.some((pattern, index) => args[index] === undefined || (pattern !== '*' && args[index].text !== pattern)) === true)
    return 'argv';
  if (option?.some((text) => args.some((arg) => arg.text === text)) === false) return 'option';
  return undefined;
};
