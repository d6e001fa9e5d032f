import * as z from 'zod/v4';
import { formatTime } from '../../../lib/strftime.ts';
import { defineOperation, type Operation } from '../../operation.ts';
import type { ProfileServices } from '../profile.ts';
import { type Background, type BackgroundProcess, STATUSES, type Status } from './background.ts';
import { readInstant } from './clock.ts';
import { codecFor } from './encoding.ts';
import { type RawArguments, readFlag, readPositive, readText, readTexts } from './input.ts';
import { type LogLines, readLines } from './log-lines.ts';
import { cleanSchema, detailSchema, listSchema, logsSchema, stopSchema } from './schemas.ts';
import { cut, mistake, presentBlocks } from './texts.ts';

const SIGKILL = 9;
const TIME = '%Y-%m-%d %H:%M:%S';
const PREFIX = '%Y-%m-%d %H:%M:%S.%f';
const LONGEST_FORMAT = 200;
const FOLLOW_SECONDS = 50;

const input = () => z.looseObject({}, { error: 'Arguments must be a dictionary' });
const output = z.looseObject({ blocks: z.array(z.string()) });

const wantedOf = (args: RawArguments): unknown => args['process_id'] ?? args['pid'];

const statusLine = ({ status, exitCode, record }: BackgroundProcess): string => {
  const code = exitCode === undefined ? '' : ` with exit code ${String(exitCode)}`;
  const lines: Readonly<Record<Status, string>> = {
    running: 'Process is still running',
    completed: `Process completed successfully${code}`,
    failed: `Process failed${code}`,
    terminated: `Process was terminated${code}`,
    error: `Process ended with an error${record.message === undefined ? code : `: ${record.message}`}`,
  };
  return lines[status];
};

const row = ({ id, status, record, command, description, labels }: BackgroundProcess): string =>
  [id, status, formatTime(TIME, new Date(record.startedMs)), cut(command, 30), description, labels.join(', ')]
    .map((cell) => cell.replace(/\s*[\r\n]+\s*/g, ' '))
    .join(' | ');

const listOperation = (background: Background): Operation =>
  defineOperation({
    name: 'shell.processes',
    tool: 'shell_bg_list',
    title: 'List background processes',
    description: 'List running or completed background processes',
    effect: 'read',
    hints: { destructive: false, idempotent: true, openWorld: false },
    input: input(),
    output,
    advertised: listSchema,
    present: presentBlocks('shell_bg_list'),
    run: async (args) => {
      const labels = readTexts(args, 'labels') ?? [];
      const status = args['status'] ?? undefined;
      if (status !== undefined && !STATUSES.some((known) => known === status))
        throw mistake(`Status must be one of: ${STATUSES.join(', ')}`);
      const all = await background.list();
      const shown = all.filter(
        (one) =>
          (status === undefined || one.status === status) && (labels.length === 0 || labels.some((label) => one.labels.includes(label))),
      );
      if (shown.length === 0) return { blocks: ['No background processes found'] };
      return { blocks: [['ID | STATUS | START TIME | COMMAND | DESCRIPTION | LABELS', '-'.repeat(100), ...shown.map(row)].join('\n')] };
    },
  });

const stopOperation = ({ executions, config }: ProfileServices, background: Background): Operation =>
  defineOperation({
    name: 'shell.stop',
    tool: 'shell_bg_stop',
    title: 'Stop a background process',
    description: 'Stop a running background process',
    effect: 'execute',
    hints: { destructive: true, idempotent: true, openWorld: false },
    input: input(),
    output,
    advertised: stopSchema,
    limited: () => false,
    present: presentBlocks('shell_bg_stop'),
    run: async (args) => {
      const force = readFlag(args, 'force', false);
      const found = await background.find(wantedOf(args));
      const about = `\nCommand: ${found.command}\nDescription: ${found.description}`;
      const over = { blocks: [`Process ${found.id} is not running any more (status: ${found.status})${about}`] };
      if (found.status !== 'running' && (found.record.background ?? 0) === 0) return over;
      // Of one that ended there may be processes left, or only the memory of them.
      const { ended, survivors } = await executions.terminate(
        found.record.id,
        force ? { graceMs: 0, cause: 'cancelled', signal: SIGKILL } : { graceMs: config.graceSeconds * 1000, cause: 'cancelled' },
      );
      if (survivors.length > 0) throw mistake(`Process ${found.id} could not be stopped whole; these go on: ${survivors.join(', ')}`);
      if (found.status !== 'running' && ended === 0) return over;
      return { blocks: [`Process ${found.id} has been ${force ? 'forcefully terminated' : 'gracefully stopped'}${about}`] };
    },
  });

const streamBlock = (stream: string, { lines, leftOut }: LogLines, format: string | undefined): string => {
  const shown = lines.map(({ text, atMs }) => (format === undefined ? text : `[${formatTime(format, new Date(atMs))}] ${text}`));
  const all = leftOut ? ['... (older output left out)', ...shown] : shown;
  return `---\n${stream}: ${String(lines.length)} lines\n---\n${all.map((line) => `${line}\n`).join('')}`;
};

const logsOperation = ({ executions, logs }: ProfileServices, background: Background): Operation =>
  defineOperation({
    name: 'shell.logs',
    tool: 'shell_bg_logs',
    title: 'Output of a background process',
    description: 'Get output from a background process',
    effect: 'read',
    hints: { destructive: false, idempotent: true, openWorld: false },
    input: input(),
    output,
    advertised: logsSchema,
    present: presentBlocks('shell_bg_logs'),
    run: async (args, { signal }) => {
      const tail = readPositive(args, 'tail');
      const limit = readPositive(args, 'limit_lines');
      const follow = readPositive(args, 'follow_seconds');
      const sinceMs = args['since'] === undefined || args['since'] === null ? undefined : readInstant('since', args['since']);
      const untilMs = args['until'] === undefined || args['until'] === null ? undefined : readInstant('until', args['until']);
      const streams = [
        ...(readFlag(args, 'with_stdout', true) ? (['stdout'] as const) : []),
        ...(readFlag(args, 'with_stderr', false) ? (['stderr'] as const) : []),
      ];
      const format = readText(args, 'time_prefix_format') ?? PREFIX;
      if (format.length > LONGEST_FORMAT) throw mistake(`'time_prefix_format' must have at most ${String(LONGEST_FORMAT)} characters`);
      const prefix = readFlag(args, 'add_time_prefix', true) ? format : undefined;
      let found = await background.find(wantedOf(args));
      if (follow !== undefined && found.status === 'running') {
        await waitForEnd(executions, found.record.id, Math.min(follow, FOLLOW_SECONDS) * 1000, signal);
        found = await background.find(found.id);
      }
      const head = `**Process ${found.id} (status: ${found.status})**\nCommand: ${cut(found.command, 50)}\nDescription: ${found.description}\nStatus: ${statusLine(found)}`;
      if (streams.length === 0)
        return { blocks: [head, '---\nNo output requested. Set with_stdout=true or with_stderr=true to view logs.\n---'] };
      const codec = await codecFor(found.encoding);
      const request = { look: found.look, codec, tail, limit, sinceMs, untilMs };
      const blocks = await Promise.all(
        streams.map(async (stream) => streamBlock(stream, await readLines(logs, { ...request, stream }), prefix)),
      );
      return { blocks: [head, ...blocks] };
    },
  });

/** Until it ended, or the time is up. */
const waitForEnd = async (executions: ProfileServices['executions'], id: string, ms: number, signal: AbortSignal): Promise<void> => {
  const one = await executions.follow(id, signal);
  if (one === undefined) return;
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([one.done, time]);
  clearTimeout(timer);
};

const cleanOperation = (background: Background): Operation =>
  defineOperation({
    name: 'shell.clean',
    tool: 'shell_bg_clean',
    title: 'Forget ended background processes',
    description: 'Remove ended background processes from the list',
    effect: 'write',
    hints: { destructive: true, idempotent: true, openWorld: false },
    input: input(),
    output,
    advertised: cleanSchema,
    present: presentBlocks('shell_bg_clean'),
    run: async (args) => {
      const { pids } = args;
      if (!Array.isArray(pids) || pids.length === 0) throw mistake("'pids' must be an array of process IDs");
      const lines: string[] = [];
      for (const wanted of pids as readonly unknown[]) {
        const found = await background.find(wanted).catch(() => undefined);
        if (found === undefined) lines.push(`Process with ID ${String(wanted)} not found`);
        else if (found.status === 'running') lines.push(`Process ${found.id} is still running; stop it first`);
        else {
          background.forget([found.id]);
          lines.push(`Process ${found.id} has been cleaned`);
        }
      }
      return { blocks: [lines.join('\n')] };
    },
  });

const detailOperation = (background: Background): Operation =>
  defineOperation({
    name: 'shell.detail',
    tool: 'shell_bg_detail',
    title: 'One background process',
    description: 'Get what is known of a background process, without its output',
    effect: 'read',
    hints: { destructive: false, idempotent: true, openWorld: false },
    input: input(),
    output,
    advertised: detailSchema,
    present: presentBlocks('shell_bg_detail'),
    run: async (args) => {
      const found = await background.find(wantedOf(args));
      const { record } = found;
      const ended = record.durationMs === undefined ? undefined : new Date(record.startedMs + record.durationMs);
      return {
        blocks: [
          [
            `**Process ${found.id} (status: ${found.status})**`,
            `Command: ${found.command}`,
            `Description: ${found.description}`,
            `Directory: ${record.cwd}`,
            `Labels: ${found.labels.join(', ')}`,
            `PID: ${record.pid === undefined ? 'unknown' : String(record.pid)}`,
            `Start time: ${formatTime(TIME, new Date(record.startedMs))}`,
            ...(ended === undefined ? [] : [`End time: ${formatTime(TIME, ended)}`]),
            `Status: ${statusLine(found)}`,
          ].join('\n'),
        ],
      };
    },
  });

/** The tools that look at background processes and end them. */
export const processOperations = (services: ProfileServices, background: Background): readonly Operation[] => [
  listOperation(background),
  stopOperation(services, background),
  logsOperation(services, background),
  cleanOperation(background),
  detailOperation(background),
];
