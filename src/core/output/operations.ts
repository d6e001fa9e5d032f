import * as z from 'zod/v4';
import type { StreamName } from '../../ports/sandbox.ts';
import { CorralError } from '../../ports/errors.ts';
import type { Config } from '../config/schema.ts';
import { executionId } from '../executions/input.ts';
import { lossHints } from '../executions/lost-output.ts';
import type { Executions, Look } from '../executions/types.ts';
import { outcomeView, screenView, streamView } from '../executions/view.ts';
import { defineOperation, type Operation } from '../operation.ts';
import { codecNamed, requireByteLines } from './encoding.ts';
import type { Screens } from '../terminal/screens.ts';
import { sizesOf } from '../terminal/sizes.ts';
import type { PageRequest, Presenter } from './presenter.ts';
import { stampOf, timeBounds } from './times.ts';

export interface OutputOperationsDeps {
  readonly executions: Executions;
  readonly presenter: Presenter;
  readonly screens: Screens;
  readonly config: Config;
}

const grepSchema = z
  .union([
    z.string().min(1).max(2000),
    z.strictObject({
      pattern: z.string().min(1).max(2000),
      context: z.int().min(0).max(50).optional(),
      ignore_case: z.boolean().optional(),
      max: z.int().min(1).max(1000).optional(),
    }),
  ])
  .optional()
  .describe('Regex, or {pattern, context, ignore_case, max}: matching lines only.');

const timeField = z.union([z.string().min(1).max(64), z.number()]).optional();

/** ms after the start: `since` and `until` say it too, as "+2s". Still taken, no longer shown. */
const sinceStart = z.number().min(0).optional().meta({ deprecated: true });

export const outputOperations = (deps: OutputOperationsDeps): readonly Operation[] => {
  const { executions, presenter, screens, config } = deps;

  const read = defineOperation({
    name: 'output.read',
    tool: 'read_output',
    title: 'Read output',
    description:
      'Read what an execution printed, now or long after its end, without running it again: from a cursor, the last lines, a line range, or lines that match a regex. ' +
      'stream "both": in the order of arrival.',
    effect: 'read',
    hints: { destructive: false, idempotent: true, openWorld: false },
    input: z.strictObject({
      execution_id: executionId,
      stream: z.enum(['stdout', 'stderr', 'both']).optional(),
      cursor: z.string().min(1).max(128).optional().describe('next_cursor of an earlier answer.'),
      tail: z.int().min(1).max(10_000).optional().describe('The last so many lines.'),
      lines: z
        .strictObject({ from: z.int().min(1), to: z.int().min(1) })
        .optional()
        .describe('Line range, from 1.'),
      grep: grepSchema,
      since: timeField.describe('ISO time (UTC), epoch, "5m" ago, or "+5s" after the start.'),
      until: timeField,
      since_ms: sinceStart,
      until_ms: sinceStart,
      time_prefix: z.union([z.boolean(), z.string()]).optional().describe('true or strftime: when each line came (UTC).'),
      encoding: z.string().min(1).max(64).optional().describe('If not UTF-8.'),
      limit_bytes: z
        .int()
        .min(256)
        .max(1024 * 1024)
        .optional()
        .describe('Default 32768.'),
      screen: z.boolean().optional().describe('Of a pty: what stands on its screen.'),
      raw: z.boolean().optional().describe('As printed, nothing folded.'),
    }),
    output: z.looseObject({ execution_id: z.string(), status: z.enum(['running', 'finished']) }),
    run: async (input, context) => {
      const look = await executions.look(input.execution_id);
      const { record, stdoutBytes, stderrBytes, needsInput } = look;
      if (input.lines !== undefined && input.lines.to < input.lines.from)
        throw new CorralError('invalid_input', 'lines: `to` lies before `from`.');
      const ways = [input.cursor, input.tail, input.lines].filter((way) => way !== undefined).length;
      if (ways > 1) throw new CorralError('invalid_input', 'read_output: cursor, tail and lines exclude each other.');
      const grep = typeof input.grep === 'string' ? { pattern: input.grep } : input.grep;
      const codec = await codecNamed(input.encoding);
      if (grep !== undefined) requireByteLines(codec, input.encoding, 'grep');
      if (input.lines !== undefined) requireByteLines(codec, input.encoding, 'lines');
      const { since, until } = input;
      const { sinceMs, untilMs } = timeBounds({ since, until, startedMs: record.startedMs, zone: 'utc', now: Date.now() });
      const base: Omit<PageRequest, 'stream'> = {
        cursor: input.cursor,
        tail: input.tail,
        lines: input.lines,
        grep:
          grep === undefined
            ? undefined
            : { pattern: grep.pattern, context: grep.context ?? 0, ignoreCase: grep.ignore_case ?? false, max: grep.max ?? 100 },
        sinceMs: sinceMs ?? input.since_ms,
        untilMs: untilMs ?? input.until_ms,
        stamp: stampOf(input.time_prefix, record.startedMs, 'utc'),
        codec,
        encoding: codec === undefined ? undefined : input.encoding,
        limitBytes: input.limit_bytes ?? config.answerBytes,
        raw: input.raw ?? false,
        growing: record.status === 'running',
        elapsedMs: record.status === 'running' ? Math.max(0, Date.now() - record.startedMs) : undefined,
      };
      const ref = { sandbox: record.sandbox, execution: record.id };
      const head = {
        execution_id: record.id,
        status: record.status,
        ...(record.outcome !== undefined && { outcome: outcomeView(record.outcome) }),
        ...(needsInput !== undefined && { needs_input: needsInput }),
      };
      if (input.screen === true) {
        const sizes = sizesOf(record.meta);
        if (sizes === undefined)
          throw new CorralError('invalid_input', `Execution ${record.id} has no terminal, so there is no screen to read.`, {
            hint: 'Read its streams (without screen), or start it with pty: true.',
          });
        return { ...head, screen: screenView(await screens.show({ ref, sizes, to: stdoutBytes })) };
      }
      const view = async (stream: PageRequest['stream'], share: number): Promise<Record<string, unknown>> => {
        const shown = await presenter.page(
          ref,
          { ...base, stream, limitBytes: Math.max(256, Math.floor(base.limitBytes / share)) },
          context.signal,
        );
        const printed = stream === 'both' ? printedBytes(look, 'stdout') + printedBytes(look, 'stderr') : printedBytes(look, stream);
        const lost = printed - shown.bytes;
        return {
          ...streamView(shown),
          ...(lost > 0 && { bytes: printed, lost_bytes: lost }),
          ...(shown.matches !== undefined && { matches: shown.matches }),
        };
      };
      const hints = lossHints(look);
      const tail = hints.length > 0 ? { hints } : {};
      const asked = input.stream ?? streamOfCursor(input.cursor);
      if (asked === 'both') return { ...head, output: await view('both', 1), ...tail };
      if (asked !== undefined) return { ...head, [asked]: await view(asked, 1), ...tail };
      const share = stdoutBytes > 0 && stderrBytes > 0 ? 2 : 1;
      const hasErrors = printedBytes(look, 'stderr') > 0;
      return {
        ...head,
        ...((printedBytes(look, 'stdout') > 0 || !hasErrors) && { stdout: await view('stdout', share) }),
        ...(hasErrors && { stderr: await view('stderr', share) }),
        ...tail,
      };
    },
  });
  return [read];
};

/** Printed so far, as counted where it arrived. */
const printedBytes = ({ record, lost, stdoutBytes, stderrBytes }: Look, stream: StreamName): number =>
  record[stream]?.bytes ?? (stream === 'stdout' ? stdoutBytes : stderrBytes) + (lost?.[stream] ?? 0);

/** A cursor names its stream by its first letter. */
const streamOfCursor = (cursor: string | undefined): PageRequest['stream'] | undefined => {
  if (cursor === undefined) return undefined;
  return cursor.startsWith('e') ? 'stderr' : cursor.startsWith('b') ? 'both' : 'stdout';
};
