/** What a terminal (xterm) sends for the keys that are no characters. Names in lower case, as they stand between `<` and `>`. */

export type Key =
  /** Always the same bytes; a modifier but Alt is not told apart. */
  | { readonly kind: 'plain'; readonly bytes: string }
  /** `ESC [ x`; `ESC O x` in application cursor mode; modified `ESC [ 1 ; m x`. */
  | { readonly kind: 'cursor'; readonly final: string }
  /** `ESC O x`; modified `ESC [ 1 ; m x`. */
  | { readonly kind: 'function'; readonly final: string }
  /** `ESC [ n ~`; modified `ESC [ n ; m ~`. */
  | { readonly kind: 'tilde'; readonly number: number };

const plain = (bytes: string): Key => ({ kind: 'plain', bytes });
const cursor = (final: string): Key => ({ kind: 'cursor', final });
const tilde = (number: number): Key => ({ kind: 'tilde', number });

const NAMED: readonly (readonly [names: string, key: Key])[] = [
  ['cr enter return', plain('\r')],
  ['nl linefeed', plain('\n')],
  ['tab', plain('\t')],
  ['esc escape', plain('\u001b')],
  ['bs backspace', plain('\u007f')],
  ['space', plain(' ')],
  ['nul', plain('\0')],
  ['lt', plain('<')],
  ['gt', plain('>')],
  ['bar', plain('|')],
  ['bslash', plain('\\')],
  // What a terminal sends around text that is pasted, to programs that asked for it.
  ['pastestart', plain('\u001b[200~')],
  ['pasteend', plain('\u001b[201~')],
  ['up', cursor('A')],
  ['down', cursor('B')],
  ['right', cursor('C')],
  ['left', cursor('D')],
  ['home', cursor('H')],
  ['end', cursor('F')],
  ['insert ins', tilde(2)],
  ['delete del', tilde(3)],
  ['pageup pgup', tilde(5)],
  ['pagedown pgdn', tilde(6)],
];

const FUNCTION_FINALS = ['P', 'Q', 'R', 'S'];
const FUNCTION_NUMBERS = [15, 17, 18, 19, 20, 21, 23, 24];

export const KEYS: ReadonlyMap<string, Key> = new Map<string, Key>([
  ...NAMED.flatMap(([names, key]) => names.split(' ').map((name) => [name, key] as const)),
  ...FUNCTION_FINALS.map((final, index) => [`f${String(index + 1)}`, { kind: 'function', final }] as const),
  ...FUNCTION_NUMBERS.map((number, index) => [`f${String(index + 5)}`, tilde(number)] as const),
]);
