import * as z from 'zod/v4';
import type { Presenter, Shown } from '../output/presenter.ts';
import type { ShownSummary } from '../output/summaries/shown.ts';
import type { Outcome } from '../../ports/sandbox.ts';
import type { ExecutionRecord } from '../../ports/store.ts';
import type { Snapshot } from '../terminal/protocol.ts';
import type { NeedsInput } from './needs-input.ts';
import { lossHints } from './lost-output.ts';
import type { Look } from './types.ts';

/** The answer about one execution. Fields that say nothing are left out: an empty stream, `truncated: false`, a cursor with nothing behind it. */
export const executionOutput = z.looseObject({
  execution_id: z.string(),
  status: z.enum(['running', 'finished']),
  outcome: z.looseObject({}).optional(),
  stdout: z.looseObject({}).optional(),
  stderr: z.looseObject({}).optional(),
});

export type ExecutionView = z.output<typeof executionOutput>;

export const outcomeView = (outcome: Outcome): { kind: string; code?: number; signal?: string } => ({
  kind: outcome.kind,
  ...(outcome.code !== undefined && { code: outcome.code }),
  ...(outcome.signal !== undefined && { signal: outcome.signal }),
});

export const streamView = (shown: Shown): Record<string, unknown> => ({
  text: shown.text,
  bytes: shown.bytes,
  ...(shown.lines !== undefined && { lines: shown.lines }),
  ...(shown.truncated && { truncated: true }),
  ...(shown.nextCursor !== undefined && { next_cursor: shown.nextCursor }),
  ...(shown.binary && { binary: true }),
  ...(shown.folded !== undefined && { folded_lines: shown.folded }),
});

/** What a tool's long output comes to; the output itself is shown shorter then. */
const summaryView = ({ tool, counts, problems, more }: ShownSummary): Record<string, unknown> => ({
  tool,
  ...counts,
  ...(problems.length > 0 && { problems }),
  ...(more > 0 && { more_problems: more }),
});

const STREAMS = ['stdout', 'stderr'] as const;

const ENDINGS: Partial<Record<Outcome['kind'], string>> = {
  timed_out: 'The deadline (timeout_seconds) passed; the whole process tree was ended.',
  output_limit: 'It printed more than is kept of one execution and was ended; what it printed up to there is kept.',
  memory_limit: 'Too much memory: do it in smaller parts, or ask for a sandbox with more (limits.memory_bytes).',
  disk_limit: 'No room: remove files that are not needed; what was written is kept.',
  cpu_limit: 'Too much CPU time: make it cheaper, or split it into several executions.',
  process_limit: 'Too many processes: start fewer at once (such as make -j2).',
  file_size_limit: 'A file became too large: write less, or several files.',
  lost: 'How it ended is not known. Start it again if it is still wanted: a call that names no sandbox gets one that lives.',
};

/** What the caller may not see for itself, one sentence each. */
export const hintsFor = (record: ExecutionRecord, needsInput?: NeedsInput): string[] => {
  const hints: string[] = [];
  if (needsInput?.hidden === true)
    hints.push('It asks for a secret: what is sent is not shown. Answer with send_input, or end it (terminate).');
  else if (needsInput !== undefined) hints.push('It waits for input: answer with send_input, or end it (terminate).');
  else if (record.status === 'running') hints.push('Still running: wait for it (wait), read on (read_output) or end it (terminate).');
  const ending = record.outcome === undefined ? undefined : ENDINGS[record.outcome.kind];
  if (ending !== undefined) hints.push(ending);
  if (record.message !== undefined && record.outcome?.kind !== 'exited') hints.push(record.message);
  const background = record.background ?? 0;
  if (background > 0)
    hints.push(
      `${String(background)} background process${background === 1 ? '' : 'es'} of it still run${background === 1 ? 's' : ''}; terminate ends them too.`,
    );
  return hints;
};

/** Of one that runs, so far; unknown of one whose end nobody saw. Never negative, whatever was done to the clock. */
export const durationOf = ({ status, durationMs, startedMs }: ExecutionRecord): { readonly duration_ms?: number } => {
  if (durationMs !== undefined) return { duration_ms: Math.round(durationMs) };
  return status === 'running' ? { duration_ms: Math.max(0, Date.now() - startedMs) } : {};
};

/** What stands on a terminal. Rows and columns are counted from 1. */
export const screenView = (screen: Snapshot): Record<string, unknown> => ({
  text: screen.text,
  cursor: { row: screen.row, col: screen.col },
  size: { cols: screen.cols, rows: screen.rows },
  ...(screen.alternate && { alternate: true }),
  ...(screen.title !== '' && { title: screen.title }),
  ...(screen.partial && { partial: true }),
});

/** Both streams; one of which something was lost is never told as if it had been so short, or empty. */
const streamsOf = (look: Look, shown: Awaited<ReturnType<Presenter['excerpt']>> | undefined): Record<string, unknown> =>
  Object.fromEntries(
    STREAMS.flatMap((stream) => {
      const lost = look.lost?.[stream] ?? 0;
      const found = shown?.[stream];
      if (lost === 0) return found === undefined ? [] : [[stream, streamView(found)]];
      const printed = (stream === 'stdout' ? look.stdoutBytes : look.stderrBytes) + lost;
      return [[stream, { text: '', ...(found !== undefined && streamView(found)), bytes: printed, lost_bytes: lost }]];
    }),
  );

/** One execution as an answer, its output folded and cut to the budget (bytes, both streams together); `raw`: cut only. */
export const viewExecution = async (
  presenter: Presenter,
  look: Look,
  budgetBytes: number,
  extra: Readonly<Record<string, unknown>> = {},
  raw = false,
): Promise<ExecutionView> => {
  const { record, needsInput, screen } = look;
  // What a full-screen program prints is no text: what stands on its screen is.
  const shown = screen === undefined ? await presenter.excerpt(look, budgetBytes, raw) : undefined;
  const hints = [...hintsFor(record, needsInput), ...lossHints(look)];
  return {
    execution_id: record.id,
    sandbox_id: record.sandbox,
    status: record.status,
    ...(record.outcome !== undefined && { outcome: outcomeView(record.outcome) }),
    ...extra,
    ...(needsInput !== undefined && { needs_input: needsInput }),
    ...(screen !== undefined && { screen: screenView(screen) }),
    ...(shown?.summary !== undefined && { summary: summaryView(shown.summary) }),
    ...streamsOf(look, shown),
    ...durationOf(record),
    ...(hints.length > 0 && { hints }),
  };
};
