import { findAssignments } from './assignments.ts';
import { isSecretName } from './names.ts';
import { findShapes } from './shapes.ts';
import { cover, MARK, mergeSpans, type Span } from './span.ts';
import { createKnownValues, PIECE } from './values.ts';
import { looksLikeOption } from './words.ts';

/** Takes secrets out of what is recorded: by the name they are assigned to, by their form, and by their value. */
export interface Redactor {
  /** From now on covered wherever it stands. */
  know(value: string): void;
  /** The secret stretches of a text, in order. Linear in its length. */
  spans(text: string): readonly Span[];
  /** At most `max` units of the text; what is cut off is told. */
  text(text: string, max?: number): string;
  argv(argv: readonly string[], max?: number): readonly string[];
}

/** No known value, and no name with its value, is longer than this where it is cut. */
export const OVERLAP = 4 * PIECE;
export const MAX_TEXT = 4096;
const MAX_ARGUMENTS = 256;

const LONG_OPTION = /^(--?[A-Za-z][A-Za-z0-9_.-]*)=(.+)$/s;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/s;
/** The word behind one of these is text of a program, not a value. */
const TAKES_TEXT = /^-[a-z]*[ce]$/;

const cut = (text: string, max: number, rest: number): string =>
  rest > 0 || text.length > max ? `${text.slice(0, max)}… (${rest + Math.max(0, text.length - max)} more)` : text;

export const createRedactor = (): Redactor => {
  const values = createKnownValues();

  const spans = (text: string): readonly Span[] => {
    const found: Span[] = [];
    const add = (span: Span): void => {
      found.push(span);
    };
    values.find(text, add);
    findShapes(text, add);
    findAssignments(text, add);
    return mergeSpans(found);
  };

  const redacted = (text: string, max = MAX_TEXT): string => {
    const looked = text.slice(0, max + OVERLAP);
    return cut(cover(looked, spans(looked)), max, text.length - looked.length);
  };

  /** The argument as it may be shown, given the one before it. */
  const argument = (word: string, before: string | undefined, max: number): string => {
    if (before?.startsWith('-') === true && !before.includes('=') && isSecretName(before.replace(/^-+/, '')) && !looksLikeOption(word))
      return MARK;
    const assigned = LONG_OPTION.exec(word) ?? (before !== undefined && TAKES_TEXT.test(before) ? null : VARIABLE.exec(word));
    if (assigned !== null && isSecretName((assigned[1] ?? '').replace(/^-+/, ''))) return `${assigned[1] ?? ''}=${MARK}`;
    if (before !== undefined && /^(?:-u|-U|--user|--proxy-user)$/.test(before) && word.includes(':'))
      return `${redacted(word.slice(0, word.indexOf(':')), max)}:${MARK}`;
    return redacted(word, max);
  };

  return {
    know: values.add,
    spans,
    text: redacted,
    argv(argv, max = MAX_TEXT) {
      const program = argv[0]?.split('/').at(-1);
      const shown = argv.slice(0, MAX_ARGUMENTS).map((word, index) => {
        if (program === 'sshpass' && index > 0 && (argv[index - 1] === '-p' || /^-p./s.test(word))) return MARK;
        return argument(word, argv[index - 1], max);
      });
      return argv.length > MAX_ARGUMENTS ? [...shown, `… (${argv.length - MAX_ARGUMENTS} more)`] : shown;
    },
  };
};
