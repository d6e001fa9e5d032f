import type { Codec } from './codec.ts';
import { type OnLine, splitLines } from './line-splitter.ts';
import { compilePattern } from './pattern.ts';
import { render } from './render.ts';
import { createSkip } from './skip-lines.ts';
import type { FoundLine, GrepResult, LocateResult, MatchResult, Pattern } from './search-protocol.ts';

/** Searches over lines that arrive in chunks. Pure: whoever feeds it decides where the bytes come from. */

/** Of a line that is shown. */
const SHOWN_CHARS = 1_000;

const NEWLINE = 0x0a;

const cutText = (text: string, match: number): string => {
  if (text.length <= SHOWN_CHARS) return text;
  const from = Math.max(0, Math.min(match - SHOWN_CHARS / 4, text.length - SHOWN_CHARS));
  const part = text.slice(from, from + SHOWN_CHARS).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
  return `${from > 0 ? '…' : ''}${part}${from + SHOWN_CHARS < text.length ? '…' : ''}`;
};

export interface Scan<R> {
  /** False when nothing more is needed. */
  push(chunk: Uint8Array): boolean;
  finish(): R;
}

export const scanGrep = (
  request: Pattern & { readonly context: number; readonly max: number; readonly maxBytes: number; readonly firstLine: number },
  codec?: Codec,
): Scan<GrepResult> => {
  const regex = compilePattern(request.pattern, request.ignoreCase);
  const lines: FoundLine[] = [];
  let before: FoundLine[] = [];
  let after = 0;
  let matches = 0;
  let room = request.maxBytes;
  let end = 0;
  let more = false;

  const add = (line: FoundLine): boolean => {
    room -= Buffer.byteLength(line.text) + String(line.line).length + 2;
    if (room < 0 && lines.length > 0) return false;
    lines.push(line);
    return true;
  };

  const onLine: OnLine = (line) => {
    const { text } = render(line.bytes, request.raw, codec);
    const found = regex.exec(text);
    if (found === null) {
      const context = { line: line.number, start: line.start, text: cutText(text, 0), match: false };
      if (after > 0) {
        after -= 1;
        more = !add(context);
        return !more;
      }
      if (request.context > 0) before = [...before, context].slice(-request.context);
      return true;
    }
    if (matches === request.max) {
      more = true;
      return false;
    }
    for (const context of before) if (!add(context)) more = true;
    before = [];
    if (more || !add({ line: line.number, start: line.start, text: cutText(text, found.index), match: true })) {
      more = true;
      return false;
    }
    matches += 1;
    after = request.context;
    end = line.end;
    return true;
  };
  // It looks at the bytes as UTF-8.
  const skip =
    codec === undefined
      ? createSkip(
          request,
          () => after === 0,
          () => {
            before = [];
          },
        )
      : undefined;
  const splitter = splitLines(onLine, request.firstLine, skip);
  return {
    push: (chunk) => splitter.push(chunk),
    finish() {
      splitter.end();
      return { lines, matches, more, end };
    },
  };
};

export const scanMatch = (request: Pattern, codec?: Codec): Scan<MatchResult> => {
  const regex = compilePattern(request.pattern, request.ignoreCase);
  let found: { readonly text: string; readonly end: number } | undefined;
  const splitter = splitLines(({ bytes, end }) => {
    const { text } = render(bytes, request.raw, codec);
    const match = regex.exec(text);
    if (match === null) return true;
    found = { text: cutText(text, match.index), end };
    return false;
  });
  return {
    push: (chunk) => splitter.push(chunk),
    finish() {
      const resume = splitter.lineStart();
      splitter.end();
      return { resume, ...found };
    },
  };
};

/** Counts newlines only: as fast as memory. */
export const scanLocate = (from: number, to: number): Scan<LocateResult> => {
  let newlines = 0;
  let at = 0;
  let start = from === 1 ? 0 : -1;
  let end = -1;
  let last: number | undefined;

  return {
    push(chunk) {
      for (let newline = chunk.indexOf(NEWLINE); newline !== -1; newline = chunk.indexOf(NEWLINE, newline + 1)) {
        newlines += 1;
        if (newlines === from - 1) start = at + newline + 1;
        if (newlines === to) {
          end = at + newline + 1;
          return false;
        }
      }
      at += chunk.length;
      last = chunk.at(-1) ?? last;
      return true;
    },
    finish() {
      if (end !== -1) return { start, end, newlines };
      const total = newlines + (last === undefined || last === NEWLINE ? 0 : 1);
      return { start: start === -1 ? at : start, end: at, newlines, total };
    },
  };
};
