import { decode } from '../../lib/utf8.ts';
import { countNewlines } from './cut.ts';
import { isPlain } from './escapes.ts';
import type { SkipLines } from './line-splitter.ts';
import { compilePattern } from './pattern.ts';
import type { Pattern } from './search-protocol.ts';

const NEWLINE = 0x0a;

/** Nothing that repeats, looks around or looks back: it cannot see further than a line, and takes time in proportion to the text. */
const SIMPLE = /^(?:[^\\*+{(]|\\[bBdDwWsS.*+?()[\]{}|^$/-]|\((?!\?)|\(\?:)*$/;

/** Lines at the end of whole lines that may be wanted as context. */
const keepLast = (wholeLines: Uint8Array, count: number): number => {
  let at = wholeLines.length;
  for (let left = count; left > 0 && at > 0; left -= 1) at = at < 2 ? 0 : wholeLines.lastIndexOf(NEWLINE, at - 2) + 1;
  return at;
};

const NOTHING = { bytes: 0, newlines: 0 };

/** Skips a megabyte at once where a simple pattern is nowhere in it: ten times as fast as line by line. */
export const createSkip = (
  request: Pattern & { readonly context: number },
  isQuiet: () => boolean,
  onSkip: () => void,
): SkipLines | undefined => {
  if (!SIMPLE.test(request.pattern)) return undefined;
  const line = compilePattern(request.pattern, request.ignoreCase);
  const anywhere = new RegExp(line.source, `${line.flags}m`);
  return (wholeLines) => {
    const { text, escaped } = decode(wholeLines);
    // What is shown otherwise than it is must be matched as it is shown.
    if (escaped || !isPlain(text) || !isQuiet() || anywhere.test(text)) return NOTHING;
    const bytes = keepLast(wholeLines, request.context);
    if (bytes > 0) onSkip();
    return { bytes, newlines: countNewlines(wholeLines.subarray(0, bytes)) };
  };
};
