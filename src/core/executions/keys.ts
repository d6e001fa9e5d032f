import { CorralError } from '../../ports/errors.ts';
import { type Key, KEYS } from './key-table.ts';

/** What the keys go to: the same key is other bytes for other programs. */
export interface KeyTarget {
  readonly on: 'terminal' | 'pipe';
  /** The program asked for the cursor keys' other form (DECCKM). */
  readonly applicationCursor: boolean;
}

interface Chord {
  readonly control: boolean;
  readonly alt: boolean;
  readonly shift: boolean;
  /** A name of the table, or one character as it was written. */
  readonly key: string;
}

/** `ctrl-`, `c-`, `<C-`: all of them modifiers. */
const MODIFIERS: Readonly<Record<string, keyof Omit<Chord, 'key'>>> = {
  c: 'control',
  ctrl: 'control',
  control: 'control',
  a: 'alt',
  m: 'alt',
  alt: 'alt',
  meta: 'alt',
  s: 'shift',
  shift: 'shift',
};

const parseChord = (text: string): Chord => {
  const chord = { control: false, alt: false, shift: false };
  let rest = text;
  for (let found = /^([a-z]+)[-+](?=.)/i.exec(rest); found !== null; found = /^([a-z]+)[-+](?=.)/i.exec(rest)) {
    const modifier = MODIFIERS[(found[1] ?? '').toLowerCase()];
    if (modifier === undefined) break;
    chord[modifier] = true;
    rest = rest.slice(found[0].length);
  }
  return { ...chord, key: rest };
};

/** Letters that have to change for one word to become the other. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let at = 0; at < a.length; at += 1) {
    const letter = a[at];
    const next = [at + 1];
    for (let index = 0; index < b.length; index += 1)
      next.push(Math.min((row[index] ?? 0) + (letter === b[index] ? 0 : 1), (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    row = next;
  }
  return row[b.length] ?? 0;
};

const unknownKey = (written: string, name: string): CorralError => {
  const wanted = name.toLowerCase().slice(0, 16);
  const near = [...KEYS.keys()].filter((known) => distance(wanted, known) <= Math.max(1, Math.floor(known.length / 3))).slice(0, 4);
  const meant = near.length === 0 ? '' : ` Did you mean ${near.map((key) => `<${key}>`).join(', ')}?`;
  return new CorralError('invalid_input', `keys: ${JSON.stringify(written)} is not a key; nothing was sent.${meant}`, {
    hint: 'Keys are <CR>, <Esc>, <Tab>, <Up>, <PageDown>, <F5>, <C-c>, <M-x>, <S-Tab>, <lt>, alone or in a sequence such as "<Esc>:wq<CR>". Plain text goes into text.',
  });
};

/** xterm's number of the modifiers; 1 = none. */
const modifierOf = ({ shift, alt, control }: Chord): number => 1 + (shift ? 1 : 0) + (alt ? 2 : 0) + (control ? 4 : 0);

const special = (key: Key, chord: Chord, target: KeyTarget): string => {
  const modifier = modifierOf(chord);
  switch (key.kind) {
    case 'plain':
      return `${chord.alt ? '\u001b' : ''}${key.bytes}`;
    case 'cursor':
      if (modifier > 1) return `\u001b[1;${String(modifier)}${key.final}`;
      return `\u001b${target.applicationCursor ? 'O' : '['}${key.final}`;
    case 'function':
      return modifier > 1 ? `\u001b[1;${String(modifier)}${key.final}` : `\u001bO${key.final}`;
    case 'tilde':
      return modifier > 1 ? `\u001b[${String(key.number)};${String(modifier)}~` : `\u001b[${String(key.number)}~`;
  }
};

/** Ctrl with a character, as one byte; undefined where a keyboard has none. */
const controlByte = (character: string): string | undefined => {
  if (character === '?') return '\u007f';
  if (!/^[a-z@[\\\]^_ ]$/i.test(character)) return undefined;
  return String.fromCharCode((character === ' ' ? 0x40 : character.toUpperCase().charCodeAt(0)) & 0x1f);
};

/** What these do, a terminal does: in a pipe they are a byte like any other. */
const TERMINAL_ALONE: Readonly<Record<string, string>> = {
  '\u0003': 'To interrupt a program without a terminal: terminate with signal "SIGINT".',
  '\u0004': 'The end of input without a terminal: send_input with end: true.',
  '\u001a': 'Without a terminal nothing can be stopped that way.',
  '\u001c': 'To quit a program without a terminal: terminate with signal "SIGQUIT".',
};

const forPipe = (written: string, bytes: string): string => {
  const instead = TERMINAL_ALONE[bytes];
  if (instead !== undefined)
    throw new CorralError('invalid_input', `keys: ${JSON.stringify(written)} means nothing on a pipe; nothing was sent.`, {
      hint: instead,
    });
  return bytes === '\r' ? '\n' : bytes;
};

const chordBytes = (written: string, text: string, target: KeyTarget): string => {
  const chord = parseChord(text);
  const name = chord.key.toLowerCase();
  const finish = (bytes: string): string => (target.on === 'pipe' ? forPipe(written, bytes) : bytes);
  if (name === 'tab' && chord.shift) return finish('\u001b[Z');
  if (name === 'space' && chord.control) return finish(`${chord.alt ? '\u001b' : ''}\0`);
  const key = KEYS.get(name);
  if (key !== undefined) return finish(special(key, chord, target));
  if (!/^.$/su.test(chord.key)) throw unknownKey(written, chord.key);
  const shifted = chord.shift ? chord.key.toUpperCase() : chord.key;
  const base = chord.control ? controlByte(chord.key) : shifted;
  if (base === undefined) throw unknownKey(written, text);
  return finish(`${chord.alt ? '\u001b' : ''}${base}`);
};

/** `<` that begins a key: a name or a chord, and `>`. Any other one is itself. */
const TOKEN = /<((?:[a-z]+[-+])*(?:[a-z][a-z0-9]*|[^\s<>]|[<>](?=>)))>/gi;

/** One entry of `keys`: the name of a key or chord, one character, or a sequence with keys in angle brackets. Throws before anything is sent. */
export const keyBytes = (written: string, target: KeyTarget): Buffer => {
  if (written.match(TOKEN) === null) return Buffer.from(chordBytes(written, written, target));
  return Buffer.from(written.replace(TOKEN, (token, name: string) => chordBytes(token, name, target)));
};

/** Only these depend on what the program asked of its terminal. */
export const dependsOnMode = (written: string): boolean => /up|down|left|right|home|end/i.test(written);
