import { invalidArgument } from './fault.ts';
import { kindOf } from './placeholder.ts';
import type { Piece } from './template.ts';

const MAX_BYTES = 65_536;

/** What no value may be, whatever it is for. Throws. */
export const checkValue = (name: string, value: string): void => {
  if (Buffer.byteLength(value) > MAX_BYTES) throw invalidArgument(name, `exceeds max length ${String(MAX_BYTES)}`, 'security_warning');
  if (value.includes('\0')) throw invalidArgument(name, 'contains null byte', 'injection_attempt');
  if (value === '--') throw invalidArgument(name, "'--' is not allowed", 'injection_attempt');
};

/** Has the operator ended the options with a `--` of the template's own? */
const isOperand = (words: readonly (readonly Piece[])[], at: number): boolean =>
  words.slice(0, at).some(([first, ...more]) => more.length === 0 && first !== undefined && 'text' in first && first.text === '--');

/**
 * Would the word be an option because of a value? Any leading dash makes one: `-x`, `--help`, `--x=y`, `-1`, `-`. Only a placeholder that
 * says so by its name may bring one. Throws.
 */
export const checkOptions = (words: readonly (readonly Piece[])[], values: ReadonlyMap<string, string>): void => {
  for (const [at, word] of words.entries()) {
    // Empty values move what is behind them to the front.
    for (const piece of word) {
      if ('text' in piece) break;
      const value = values.get(piece.name) ?? '';
      if (value === '') continue;
      if (value.startsWith('-') && !kindOf(piece.name).flag && !isOperand(words, at))
        throw invalidArgument(piece.name, 'looks like command flag, use *_flag suffix', 'injection_attempt');
      break;
    }
  }
};
