import type { Containment } from '../containment.ts';
import { codePoint, INVISIBLE, isWellFormed } from '../text.ts';
import type { Parameter, ScalarParameter } from './schema.ts';
import { compilePattern } from './pattern.ts';

/** The words that a value becomes, or why it is refused. */
export type Rendered = { readonly words: readonly string[] } | { readonly reason: string };

const DEFAULT_LENGTH = 4096;
const PATTERN_LENGTH = 256;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

const refused = (reason: string): Rendered => ({ reason });

/** What no text may be, whatever it is for. */
const refuseText = (value: unknown, multiline: boolean, minLength: number, maxLength: number): string | undefined => {
  if (typeof value !== 'string') return 'is no text';
  if (value.length < minLength) return value === '' ? 'is empty' : `is shorter than ${String(minLength)} characters`;
  if (value.length > maxLength) return `is longer than ${String(maxLength)} characters`;
  if (!isWellFormed(value)) return 'holds half a surrogate pair';
  const control = CONTROL.exec(multiline ? value.replaceAll(/[\n\t]/g, ' ') : value);
  if (control !== null) return `holds the control character ${codePoint(control[0])}`;
  const hidden = INVISIBLE.exec(value);
  if (hidden !== null) return `holds ${codePoint(hidden[0])}, which does not show`;
  return value.normalize('NFC') === value ? undefined : 'is not in Unicode normal form C: another spelling of it looks the same';
};

const renderPath = (value: string, relative: boolean, containment: Containment, cwd: string): Rendered => {
  if (/%(?:2e|2f|5c|00)/i.test(value)) return refused('holds an encoded dot, slash or NUL');
  if (relative && value.startsWith('/')) return refused('is an absolute path');
  if (value.split('/').includes('..')) return refused('leads through ..');
  const found = containment.place(value, cwd);
  if ('reason' in found) return refused(found.reason);
  if (!relative) return { words: [found.real] };
  const from = containment.place('.', cwd);
  if ('reason' in from) return refused(from.reason);
  if (found.real === from.real) return { words: ['.'] };
  // The place itself: a link on the way cannot be turned elsewhere afterwards.
  return { words: [found.real.startsWith(`${from.real}/`) ? found.real.slice(from.real.length + 1) : found.real] };
};

const renderScalar = (parameter: ScalarParameter, value: unknown, containment: Containment, cwd: string): Rendered => {
  switch (parameter.type) {
    case 'integer': {
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || Object.is(value, -0)) return refused('is no whole number');
      const { min = 0, max = Number.MAX_SAFE_INTEGER } = parameter;
      return value < min || value > max ? refused(`lies outside ${String(min)} to ${String(max)}`) : { words: [String(value)] };
    }
    case 'enum':
      return typeof value === 'string' && parameter.values.includes(value)
        ? { words: [value] }
        : refused(`is none of ${parameter.values.join(', ')}`);
    case 'path':
    case 'relpath': {
      const reason = refuseText(value, false, 1, DEFAULT_LENGTH);
      return reason === undefined ? renderPath(value as string, parameter.type === 'relpath', containment, cwd) : refused(reason);
    }
    case 'regex': {
      const reason = refuseText(value, false, parameter.minLength ?? 1, parameter.maxLength ?? PATTERN_LENGTH);
      return reason === undefined ? { words: [value as string] } : refused(reason);
    }
    case 'string': {
      const { pattern, minLength = 1, maxLength = pattern === undefined ? DEFAULT_LENGTH : PATTERN_LENGTH, multiline } = parameter;
      const reason = refuseText(value, multiline, minLength, maxLength);
      if (reason !== undefined) return refused(reason);
      if (pattern === undefined) return { words: [value as string] };
      const compiled = compilePattern(pattern);
      return compiled instanceof RegExp && compiled.test(value as string)
        ? { words: [value as string] }
        : refused('does not match its pattern');
    }
  }
};

/** The words for a parameter. A value with a leading dash is judged by whoever knows where it will stand. */
export const renderValue = (parameter: Parameter, value: unknown, containment: Containment, cwd: string): Rendered => {
  if (parameter.type === 'flag')
    return typeof value === 'boolean' ? { words: value ? [parameter.value] : [] } : refused('is neither true nor false');
  if (parameter.type !== 'list') return renderScalar(parameter, value, containment, cwd);
  if (!Array.isArray(value)) return refused('is no list');
  if (value.length < parameter.minItems || value.length > parameter.maxItems)
    return refused(`has not between ${String(parameter.minItems)} and ${String(parameter.maxItems)} entries`);
  const words: string[] = [];
  for (const [index, item] of value.entries()) {
    const rendered = renderScalar(parameter.items, item, containment, cwd);
    if ('reason' in rendered) return refused(`entry ${String(index + 1)} ${rendered.reason}`);
    words.push(...rendered.words);
  }
  return { words };
};
