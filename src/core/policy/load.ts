import { isAlias, isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import type * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';
import { findConflict } from './conflicts.ts';
import { rulesSchema, type Rules } from './rules.ts';

type Path = readonly PropertyKey[];

/** `rules[3].match.program` */
const spell = (path: Path): string =>
  path
    .map((key) => (typeof key === 'number' ? `[${String(key)}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');

/** `:12:5` of the deepest part of the path that the file has. */
const place = (document: Document, lines: LineCounter, path: Path): string => {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const node = document.getIn(path.slice(0, depth), true);
    const range = (isScalar(node) || isMap(node) || (typeof node === 'object' && node !== null && 'range' in node) ? node : undefined) as
      | { range?: readonly number[] }
      | undefined;
    const start = range?.range?.[0];
    if (start === undefined) continue;
    const { line, col } = lines.linePos(start);
    return `:${String(line)}:${String(col)}`;
  }
  return '';
};

const describe = (issue: z.core.$ZodIssue): { readonly path: Path; readonly message: string } => {
  if (issue.code === 'unrecognized_keys')
    return {
      path: [...issue.path, issue.keys[0] ?? ''],
      message: `the key ${issue.keys.map((key) => JSON.stringify(key)).join(', ')} is not known`,
    };
  return { path: issue.path, message: issue.message };
};

const HINT =
  'The schema of the rules file is in docs/guide/policy.md; `corral policy test --rules FILE` checks it without starting anything.';

const invalid = (message: string, hint = HINT): CorralError => new CorralError('invalid_input', message, { hint });

/**
 * Reads a rules file, YAML or JSON, from its text. `name` stands in messages. Throws CorralError with the place of the first thing that is wrong: syntax, an
 * unknown key, a rule id used twice, a rule that contradicts or hides another.
 */
export const readRules = (text: string, name: string): Rules => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, merge: false, schema: 'core', strict: true });
  const [error] = document.errors;
  if (error !== undefined) throw invalid(`${name}: ${error.message.split('\n')[0] ?? ''}`);
  if (hasAlias(document)) throw invalid(`${name}: anchors and aliases are not accepted`, 'Write each rule out.');
  const parsed = rulesSchema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const { path, message } = issue === undefined ? { path: [], message: 'is not a rules file' } : describe(issue);
    throw invalid(`${name}${place(document, lines, path)}: ${spell(path)}: ${message}`);
  }
  const conflict = findConflict(parsed.data);
  if (conflict !== undefined) throw invalid(`${name}${place(document, lines, conflict.path)}: ${conflict.message}`, conflict.hint);
  return parsed.data;
};

const hasAlias = (document: Document): boolean => {
  const look = (node: unknown): boolean => {
    if (isAlias(node)) return true;
    if (typeof node !== 'object' || node === null || !('items' in node) || !Array.isArray(node.items)) return false;
    return node.items.some(
      (item: unknown) =>
        look(item) ||
        (typeof item === 'object' && item !== null && 'value' in item && (look(item.value) || ('key' in item && look(item.key)))),
    );
  };
  return look(document.contents);
};

/** Refuses a rules file that an agent could write: one beneath a workspace. Paths with their links followed. */
export const refuseWorkspaceRules = (realPath: string, realWorkspaces: readonly string[]): void => {
  const inside = realWorkspaces.find(
    (workspace) => realPath === workspace || realPath.startsWith(workspace.endsWith('/') ? workspace : `${workspace}/`),
  );
  if (inside === undefined) return;
  throw new CorralError(
    'denied',
    `The rules file ${realPath} lies in the workspace ${inside}: whoever works there could rewrite the rules.`,
    {
      hint: 'Keep it where only the operator writes, such as the configuration folder.',
    },
  );
};
