import { quote } from '../../lib/quote.ts';
import { isSecretName } from '../audit/redact/names.ts';
import type { Call, Subject } from '../operation.ts';

/** Most of a call that is kept to be shown. */
const MAX_TEXT = 256 * 1024;

/** Signs that a terminal or a dialog would obey, or not show: made visible, so that what is approved is what is read. */
const UNSEEN =
  /[\u0000-\u001F\u007F-\u009F\u00AD\u061C\u115F\u1160\u17B4\u17B5\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\uFFF9-\uFFFB]|[\uFE00-\uFE0F]|[\u{E0000}-\u{E0FFF}]|\p{Surrogate}/gu;

export const visible = (text: string): string => text.replace(UNSEEN, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);

/** What a call would do, on one line, whole: argv quoted, shell text as it is, other operations by their arguments. */
export const callText = ({ operation, input }: Pick<Call, 'operation' | 'input'>, { argv, shell }: Subject): string => {
  const { command: _, cwd: __, wait_seconds: ___, ...rest } = (input ?? {}) as Readonly<Record<string, unknown>>;
  const what = argv === undefined ? shell : argv.map(quote).join(' ');
  const isSecret = (name: string): boolean => isSecretName(name) || operation.isSecret?.(name) === true;
  const json = (value: unknown): string =>
    JSON.stringify(value, (name, item: unknown) => (typeof item === 'string' && isSecret(name) ? '[secret]' : item));
  const args = Object.values(rest).some((value) => value !== undefined) ? json(rest) : undefined;
  const text = what === undefined ? `${operation.tool} ${json(input ?? {})}` : args === undefined ? what : `${what}   with ${args}`;
  const seen = visible(text);
  return seen.length <= MAX_TEXT ? seen : `${seen.slice(0, MAX_TEXT)}… (${seen.length - MAX_TEXT} more)`;
};
