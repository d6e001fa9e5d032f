import type { Codec } from './codec.ts';
import type { Zone } from '../../lib/strftime.ts';
import type { LogRef } from '../../ports/logs.ts';
import type { ShownSummary } from './summaries/shown.ts';
import type { Exit, Outcome } from '../../ports/sandbox.ts';

/** Output as an answer shows it. */
export interface Shown {
  readonly text: string;
  /** Of the whole stream. */
  readonly bytes: number;
  /** Of the whole stream, where they are known without reading it all. */
  readonly lines?: number | undefined;
  readonly truncated?: boolean | undefined;
  readonly nextCursor?: string | undefined;
  readonly binary?: boolean | undefined;
  readonly matches?: number | undefined;
  /** Lines that are not among those shown, because they repeat them or were drawn over. */
  readonly folded?: number | undefined;
}

/** What an excerpt is made of: the sizes so far and, when the end was seen here, the small streams themselves. */
export interface ExcerptSource {
  readonly record: {
    readonly id: string;
    readonly sandbox: string;
    /** What was run, as the caller wrote it. */
    readonly title?: string | undefined;
    readonly outcome?: Outcome | undefined;
    readonly stdout?: { readonly newlines: number } | undefined;
    readonly stderr?: { readonly newlines: number } | undefined;
  };
  readonly exit: Exit | undefined;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

export interface Stamp {
  /** As strftime has it. */
  readonly format: string;
  readonly zone: Zone;
  /** Of the execution, ms since 1970. */
  readonly startedMs: number;
}

export interface Excerpt {
  readonly stdout: Shown | undefined;
  readonly stderr: Shown | undefined;
  /** Of a known tool's long output; the excerpt is shorter then. */
  readonly summary?: ShownSummary | undefined;
}

export interface PageRequest {
  readonly stream: 'stdout' | 'stderr' | 'both';
  readonly cursor?: string | undefined;
  readonly tail?: number | undefined;
  readonly lines?: { readonly from: number; readonly to: number } | undefined;
  readonly grep?: { readonly pattern: string; readonly context: number; readonly ignoreCase: boolean; readonly max: number } | undefined;
  /** Lines that arrived so long after the start, in ms, or later (earlier). */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** How long it runs already, in ms; absent when it has ended. */
  readonly elapsedMs?: number | undefined;
  /** When each line began to arrive, in front of it. */
  readonly stamp?: Stamp | undefined;
  /** How the program writes text; absent = UTF-8. */
  readonly codec?: Codec | undefined;
  /** The name of it, for the search thread. */
  readonly encoding?: string | undefined;
  readonly limitBytes: number;
  readonly raw: boolean;
  /** More may come: a cursor at the end is of use. */
  readonly growing?: boolean | undefined;
}

/** Turns kept bytes into text for answers. Never holds more than a page in memory, never blocks on a search. */
export interface Presenter {
  /** Head and tail of both streams within the budget (bytes, together); an empty stream is undefined. `raw`: as it was printed. */
  excerpt(source: ExcerptSource, budgetBytes: number, raw?: boolean): Promise<Excerpt>;
  page(ref: LogRef, request: PageRequest, signal?: AbortSignal): Promise<Shown>;
}
