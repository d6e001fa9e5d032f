import { createHash } from 'node:crypto';
import { CorralError } from '../../ports/errors.ts';
import type { Offsets } from '../output/cursor.ts';
import type { Condition } from './until.ts';

/** How far a wait for one execution has come: enough for any server to go on, and nothing is kept for it anywhere. */
export interface WaitState {
  /** Bytes in which the pattern was looked for. */
  readonly scanned: Offsets;
  /** So long nothing was printed behind this many bytes. */
  readonly silent?: { readonly bytes: number; readonly ms: number } | undefined;
  /** Of a wait for all: it has met its condition already. */
  readonly met?: Condition | undefined;
}

const LETTERS: readonly (readonly [Condition, string])[] = [
  ['exit', 'x'],
  ['output', 'o'],
  ['screen', 's'],
  ['port', 'p'],
  ['silence', 'q'],
  ['bytes', 'b'],
  ['needs_input', 'i'],
  ['file', 'f'],
];

const START: WaitState = { scanned: { stdout: 0, stderr: 0 } };

/** A few characters that tell one list of things from another: against mistakes, not against anybody. */
const markOf = (things: unknown): string => createHash('sha256').update(JSON.stringify(things)).digest('base64url').slice(0, 4);

const number = (value: number): string => (value === 0 ? '' : Math.floor(value).toString(36));

const formatState = ({ scanned, silent, met }: WaitState): string =>
  [
    number(scanned.stdout),
    number(scanned.stderr),
    silent === undefined ? '' : number(silent.bytes),
    silent === undefined ? '' : number(silent.ms),
    LETTERS.find(([condition]) => condition === met)?.[1] ?? '',
  ]
    .join('.')
    .replace(/\.+$/, '');

/**
 * `w:` the executions, what was waited for, and a state for each execution. Undefined when there is nothing to go on from: the same call
 * again is as good.
 */
export const formatWaitCursor = (executions: readonly string[], conditions: unknown, states: readonly WaitState[]): string | undefined => {
  const texts = states.map(formatState);
  return texts.every((text) => text === '') ? undefined : `w:${markOf(executions)}${markOf(conditions)}:${texts.join(',')}`;
};

const FORM = /^w:([\w-]{4})([\w-]{4}):([a-z0-9.,]*)$/;
const STATE = /^([0-9a-z]{0,10})(?:\.([0-9a-z]{0,10}))?(?:\.([0-9a-z]{0,10}))?(?:\.([0-9a-z]{0,10}))?(?:\.([a-z]?))?$/;

const parseState = (text: string): WaitState | undefined => {
  const found = STATE.exec(text);
  if (found === null) return undefined;
  const [stdout = 0, stderr = 0, bytes = 0, ms = 0] = found.slice(1, 5).map((digits) => Number.parseInt(digits || '0', 36));
  if (![stdout, stderr, bytes, ms].every(Number.isSafeInteger)) return undefined;
  const met = LETTERS.find(([, letter]) => letter === found[5])?.[0];
  return { scanned: { stdout, stderr }, ...(ms > 0 && { silent: { bytes, ms } }), ...(met !== undefined && { met }) };
};

/**
 * The inverse, in the order of the executions. Of a wait for other conditions only the place in the output is taken over, so that it looks
 * behind what the other one found. Throws `invalid_input` for anything else.
 */
export const parseWaitCursor = (cursor: string | undefined, executions: readonly string[], conditions: unknown): readonly WaitState[] => {
  if (cursor === undefined) return executions.map(() => START);
  const found = FORM.exec(cursor);
  const states = found?.[3]?.split(',').map(parseState);
  const refuse = (why: string): CorralError =>
    new CorralError('invalid_input', `cursor: ${JSON.stringify(cursor.slice(0, 100))} ${why}.`, {
      hint: 'Pass the cursor of an earlier wait for the same executions, unchanged, or none to look from the beginning.',
    });
  if (found === null || states === undefined) throw refuse('is not one of wait');
  if (found[1] !== markOf(executions)) throw refuse('belongs to a wait for other executions');
  const whole = states.filter((state) => state !== undefined);
  if (whole.length !== executions.length) throw refuse('is not one of wait');
  return found[2] === markOf(conditions) ? whole : whole.map(({ scanned }) => ({ scanned }));
};
