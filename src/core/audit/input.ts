import { isSecretName } from './redact/names.ts';
import type { Redactor } from './redact/redactor.ts';
import { MARK } from './redact/span.ts';

/** Data, not commands: counted, not kept. */
const PAYLOAD: ReadonlySet<string> = new Set(['stdin', 'content', 'old_text', 'new_text', 'text']);
const MAX_ENTRIES = 64;
const MAX_DEPTH = 5;
const MAX_NAME = 128;
/** All texts of one call together, in UTF-16 units. */
const MAX_TOTAL = 12_288;

/** Does the name of an argument say that its value is secret? */
export type IsSecret = (name: string) => boolean;

const isTexts = (items: readonly unknown[]): items is readonly string[] => items.every((item) => typeof item === 'string');

/** The arguments of a call as they may be kept: without secrets, without data, and never large. */
export const recordableInput = (redactor: Redactor, input: unknown, isSecret: IsSecret = isSecretName): unknown => {
  let left = MAX_TOTAL;

  const text = (value: string): string => {
    if (left <= 0) return `… (${value.length} more)`;
    const shown = redactor.text(value, Math.min(left, 4096));
    left -= shown.length;
    return shown;
  };

  const texts = (values: readonly string[]): readonly string[] => {
    if (left <= 0) return [`… (${values.length} more)`];
    const shown: string[] = [];
    for (const word of redactor.argv(values, Math.min(left, 4096))) {
      if (left <= 0) return [...shown, '…'];
      left -= word.length;
      shown.push(word);
    }
    return shown;
  };

  const entry = (name: string, value: unknown, depth: number): unknown => {
    if (value !== undefined && value !== null && (isSecretName(name) || isSecret(name))) return MARK;
    if (PAYLOAD.has(name) && typeof value === 'string') return { length: value.length };
    return visit(value, depth);
  };

  const visit = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= MAX_DEPTH) return '…';
    if (Array.isArray(value)) {
      const items: readonly unknown[] = value;
      if (isTexts(items)) return texts(items);
      const shown: unknown[] = items.slice(0, MAX_ENTRIES).map((item) => visit(item, depth + 1));
      return items.length > MAX_ENTRIES ? [...shown, `… (${items.length - MAX_ENTRIES} more)`] : shown;
    }
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    const shown = entries.slice(0, MAX_ENTRIES).map(([name, item]) => [redactor.text(name, MAX_NAME), entry(name, item, depth + 1)]);
    if (entries.length > MAX_ENTRIES) shown.push(['…', `${entries.length - MAX_ENTRIES} more`]);
    return Object.fromEntries(shown) as unknown;
  };

  return visit(input, 0);
};

/** Learns what a request itself calls secret, before anything of it is recorded. */
export const learnSecrets = (redactor: Redactor, input: unknown, isSecret: IsSecret = () => false): void => {
  if (typeof input !== 'object' || input === null) return;
  for (const [name, value] of Object.entries(input)) if (typeof value === 'string' && isSecret(name)) redactor.know(value);
  const env: unknown = (input as Readonly<Record<string, unknown>>)['env'];
  if (typeof env !== 'object' || env === null) return;
  for (const [name, value] of Object.entries(env)) if (typeof value === 'string' && isSecretName(name)) redactor.know(value);
};
