import { OVERLAP, type Redactor } from './redactor.ts';
import { cover, MARK, type Span } from './span.ts';

/** Redacts a text that comes in pieces: what spans their edges is found all the same. */
export interface StreamRedactor {
  /** What can be shown by now; the rest is held back until it is known not to belong to a secret. */
  push(chunk: string): string;
  /** What was still held back. */
  end(): string;
}

/** Looked at when this much is held: twice what must be kept, so each letter is looked at about twice. */
const WINDOW = 2 * OVERLAP;
/** A stretch longer than this is shown as a mark before its end is known. */
const MAX_HELD = 16 * OVERLAP;

/** The last place at or before `at` that is in no secret and behind no name whose value follows. */
const safeCut = (spans: readonly Span[], at: number): number => {
  let place = at;
  for (;;) {
    const across = spans.find((span) => span.context < place && span.end >= place);
    if (across === undefined) return place;
    place = across.context;
  }
};

/** Begins a word: a token that is only half there at the cut would not be known again. */
const wordStart = (text: string, at: number, reach: number): number => {
  for (let i = at; i > Math.max(0, at - reach); i -= 1) if (/\s/.test(text.charAt(i - 1))) return i;
  return at;
};

export const createStreamRedactor = (redactor: Redactor): StreamRedactor => {
  let held = '';
  /** No look is worth while before so much is held. */
  let lookAt = WINDOW;

  /** Shows what stands before the place, keeps the rest. */
  const release = (spans: readonly Span[], place: number): string => {
    const shown = cover(
      held.slice(0, place),
      spans.filter((span) => span.end <= place),
    );
    held = held.slice(place);
    return shown;
  };

  const settle = (): string => {
    const spans = redactor.spans(held);
    const place = safeCut(spans, wordStart(held, held.length - OVERLAP, OVERLAP / 2));
    lookAt = WINDOW;
    if (place > 0) return release(spans, place);
    if (held.length < MAX_HELD) {
      lookAt = held.length + WINDOW;
      return '';
    }
    held = held.slice(held.length - OVERLAP);
    return MARK;
  };

  return {
    push(chunk) {
      let shown = '';
      for (let at = 0; at < chunk.length; at += WINDOW) {
        held += chunk.slice(at, at + WINDOW);
        if (held.length >= lookAt) shown += settle();
      }
      return shown;
    },
    end() {
      const shown = cover(held, redactor.spans(held));
      held = '';
      return shown;
    },
  };
};
