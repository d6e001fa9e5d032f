import { constants } from 'node:os';
import { CorralError } from '../../ports/errors.ts';

const KEYS: ReadonlyMap<string, string> = new Map([
  ['enter', '\r'],
  ['return', '\r'],
  ['tab', '\t'],
  ['escape', '\u001b'],
  ['esc', '\u001b'],
  ['backspace', '\u007f'],
  ['space', ' '],
  ['up', '\u001b[A'],
  ['down', '\u001b[B'],
  ['right', '\u001b[C'],
  ['left', '\u001b[D'],
  ['home', '\u001b[H'],
  ['end', '\u001b[F'],
  ['pageup', '\u001b[5~'],
  ['pagedown', '\u001b[6~'],
  ['delete', '\u001b[3~'],
  ['insert', '\u001b[2~'],
]);

/** What a terminal sends for a key (xterm, normal mode). */
export const keyBytes = (name: string): Buffer => {
  const key = name.toLowerCase();
  const known = KEYS.get(key);
  if (known !== undefined) return Buffer.from(known);
  const control = /^(?:ctrl|control|c)[-+]([a-z@[\\\]^_])$/.exec(key)?.[1];
  if (control !== undefined) return Buffer.from([control.toUpperCase().charCodeAt(0) & 0x1f]);
  throw new CorralError('invalid_input', `keys: "${name}" is not a key.`, {
    hint: `Use one of ${[...KEYS.keys()].join(', ')}, ctrl-a .. ctrl-z, or put characters into text.`,
  });
};

export const signalNumber = (name: NodeJS.Signals): number => constants.signals[name];
