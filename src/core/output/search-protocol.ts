import type { ShownSummary } from './summaries/shown.ts';
import type { SummaryRequest } from './summaries/summarise.ts';

/** What the event loop and the search thread say to each other. */

/** Where the bytes are: files on this machine, bytes that the asker reads on request, or the bytes themselves. */
export type SearchSource =
  | {
      /** Undefined: the store has no files; the thread asks for the bytes. */
      readonly paths: readonly (string | undefined)[];
      /** Triples of index into `paths`, offset and length, in reading order. */
      readonly segments: Float64Array;
    }
  | { readonly data: Uint8Array };

export interface Pattern {
  readonly pattern: string;
  readonly ignoreCase: boolean;
  /** Match against the bytes as they are, with colours and overwritten progress lines. */
  readonly raw: boolean;
  /** How the text is written; absent = UTF-8. Of those in which a line's end is one byte. */
  readonly encoding?: string | undefined;
}

export type SearchJob =
  /** Lines that match, each with lines around it. */
  | (Pattern & {
      readonly kind: 'grep';
      readonly source: SearchSource;
      readonly context: number;
      readonly max: number;
      readonly maxBytes: number;
      readonly firstLine: number;
    })
  /** Where the lines `from` to `to` (from 1) lie. */
  | { readonly kind: 'locate'; readonly source: SearchSource; readonly from: number; readonly to: number }
  /** The first line that matches, the unfinished last one included. */
  | (Pattern & { readonly kind: 'match'; readonly source: SearchSource })
  /** SHA-256 of the bytes. */
  | { readonly kind: 'hash'; readonly source: SearchSource }
  /** What a tool's output comes to; of the source, the first `stdoutBytes` are stdout. */
  | (SummaryRequest & { readonly kind: 'summary'; readonly source: SearchSource; readonly stdoutBytes: number });

export interface SummaryResult {
  readonly summary?: ShownSummary;
}

export interface FoundLine {
  /** From 1. */
  readonly line: number;
  /** Where it begins, in bytes of the view. */
  readonly start: number;
  readonly text: string;
  /** It matches; otherwise it is context. */
  readonly match: boolean;
}

export interface GrepResult {
  readonly lines: readonly FoundLine[];
  readonly matches: number;
  /** There are more matches than were asked for, or than there was room for. */
  readonly more: boolean;
  /** Bytes of the view up to the end of the last match that is in `lines`. */
  readonly end: number;
}

export interface LocateResult {
  readonly start: number;
  readonly end: number;
  /** Newlines up to `end`. */
  readonly newlines: number;
  /** Lines in all, when their end was reached. */
  readonly total?: number;
}

export interface MatchResult {
  readonly text?: string;
  /** Of the line that matches; there whenever its text is. */
  readonly end?: number;
  /** Where a later search goes on: the beginning of the last line, if it is not finished. */
  readonly resume: number;
}

export interface HashResult {
  readonly bytes: number;
  readonly sha256: string;
}

export interface SearchResults {
  readonly grep: GrepResult;
  readonly locate: LocateResult;
  readonly match: MatchResult;
  readonly hash: HashResult;
  readonly summary: SummaryResult;
}

export type SearchResult = SearchResults[keyof SearchResults];

export type ToThread = { readonly job: SearchJob } | { readonly bytes: Uint8Array };

export type FromThread =
  /** Still at it: another chunk is done. */
  | { readonly alive: true }
  | { readonly need: { readonly index: number; readonly offset: number; readonly length: number } }
  | { readonly result: SearchResult }
  | { readonly failed: string };
