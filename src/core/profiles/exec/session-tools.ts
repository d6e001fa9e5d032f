import * as z from 'zod/v4';
import type { Operation } from '../../operation.ts';
import type { ExecDeps } from './deps.ts';
import { outputType, readOutputType } from './input.ts';
import { endedText, runningText } from './output.ts';
import { clock, seconds } from './texts.ts';
import { defineTool } from './tool.ts';

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 5000;

const sessionId = z.union([z.string().max(64), z.int()]).transform(String);
const notFound = (id: string): string => `Error: Session ${id} not found`;

const readOperation = ({ executions, logs, sessions }: ExecDeps): Operation =>
  defineTool({
    name: 'output.read',
    tool: 'read_output',
    title: 'Read output',
    description: 'All output of a session so far, and how it ended if it did; then the session is over.',
    effect: 'read',
    input: { session_id: sessionId, output_type: outputType },
    run: async ({ session_id, output_type }) => {
      const wanted = readOutputType(output_type);
      const session = sessions.find(session_id);
      if (session === undefined) return notFound(session_id);
      const look = await executions.look(session.execution);
      session.readMs = Date.now();
      if (look.record.status === 'running') return runningText(logs, look, wanted, session.id);
      const text = await endedText(logs, look, wanted);
      sessions.remove(session);
      return text;
    },
  });

const terminateOperation = ({ executions, sessions }: ExecDeps): Operation =>
  defineTool({
    name: 'execution.terminate',
    tool: 'force_terminate',
    title: 'End a session',
    description: 'End a session with all its processes: SIGTERM, and SIGKILL for what is left after 5 seconds.',
    effect: 'execute',
    idempotent: true,
    limited: false,
    input: { session_id: sessionId },
    run: async ({ session_id }) => {
      const session = sessions.find(session_id);
      if (session === undefined) return notFound(session_id);
      const { survivors } = await executions.terminate(session.execution, { graceMs: GRACE_MS, cause: 'cancelled' });
      if (survivors.length > 0) return `Error: Session ${session.id} could not be ended whole; these go on: ${survivors.join(', ')}`;
      sessions.remove(session);
      return `Session ${session.id} terminated`;
    },
  });

const listOperation = ({ executions, sessions }: ExecDeps): Operation =>
  defineTool({
    name: 'execution.list',
    tool: 'list_sessions',
    title: 'List sessions',
    description: 'Sessions that run, and those that ended and whose end nobody has read yet.',
    effect: 'read',
    input: {},
    run: async () => {
      const entries = await Promise.all(
        sessions.list().map(async (session) => {
          const look = await executions.look(session.execution).catch(() => undefined);
          const ranMs = look?.record.durationMs ?? Date.now() - session.startedMs;
          return `Session ${session.id}:\n  Command: ${session.command}\n  Runtime: ${seconds(ranMs, 1)} seconds\n  Last read: ${clock(session.readMs)}`;
        }),
      );
      return entries.length === 0 ? 'No active sessions' : entries.join('\n');
    },
  });

export const sessionOperations = (deps: ExecDeps): readonly Operation[] => [
  readOperation(deps),
  terminateOperation(deps),
  listOperation(deps),
];
