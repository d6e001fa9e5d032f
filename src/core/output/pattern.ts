import { CorralError } from '../../ports/errors.ts';

/** What only Unicode mode understands. */
const NEEDS_UNICODE = /\\[pP]\{|\\u\{/;

/** As other tools write "ignore case" inside a pattern. */
const INLINE_IGNORE_CASE = /^\(\?i\)/;

/** A pattern as an agent writes it. Throws `invalid_input` with the reason. */
export const compilePattern = (pattern: string, ignoreCase = false): RegExp => {
  const inline = INLINE_IGNORE_CASE.test(pattern);
  const source = inline ? pattern.slice(4) : pattern;
  try {
    return new RegExp(source, `${ignoreCase || inline ? 'i' : ''}${NEEDS_UNICODE.test(source) ? 'u' : ''}`);
  } catch (error) {
    throw new CorralError('invalid_input', `pattern: ${(error as Error).message}`, {
      hint: 'Write a JavaScript regular expression without slashes; to search for plain text, put a backslash before each of .*+?()[]{}|^$\\.',
      cause: error,
    });
  }
};
