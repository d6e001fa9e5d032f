/** A stretch of text that must not be shown, in UTF-16 units. */
export interface Span {
  /** Where the text begins that shows it to be secret: a stream is not cut between here and the end. */
  readonly context: number;
  readonly start: number;
  readonly end: number;
}

export const MARK = '[redacted]';

/** In order and without overlap; an empty stretch is dropped. */
export const mergeSpans = (spans: readonly Span[]): readonly Span[] => {
  if (spans.length < 2) return spans;
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    if (span.end <= span.start) continue;
    const last = merged.at(-1);
    if (last === undefined || span.start > last.end) merged.push(span);
    else
      merged[merged.length - 1] = { context: Math.min(last.context, span.context), start: last.start, end: Math.max(last.end, span.end) };
  }
  return merged;
};

/** The text with a mark in place of each stretch. `spans` are merged ones. */
export const cover = (text: string, spans: readonly Span[]): string => {
  if (spans.length === 0) return text;
  let shown = '';
  let from = 0;
  for (const { start, end } of spans) {
    shown += text.slice(from, start) + MARK;
    from = end;
  }
  return shown + text.slice(from);
};
