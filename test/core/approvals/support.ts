import { createHash } from 'node:crypto';
import * as z from 'zod/v4';
import { createApprovals } from '../../../src/core/approvals/approvals.ts';
import type { ApprovalsDeps, Place } from '../../../src/core/approvals/types.ts';
import type { Call, Operation, OperationContext } from '../../../src/core/operation.ts';
import { defineOperation } from '../../../src/core/operation.ts';
import type { Decision } from '../../../src/core/policy/types.ts';
import { createMemoryStore } from '../../../src/drivers/store/memory-store.ts';
import { CorralError } from '../../../src/ports/errors.ts';
import type { Store } from '../../../src/ports/store.ts';

export const execute: Operation = defineOperation({
  name: 'command.execute',
  tool: 'execute_command',
  title: 'Run',
  description: 'Runs.',
  effect: 'execute',
  hints: { destructive: true, idempotent: false, openWorld: false },
  input: z.object({
    command: z.union([z.string(), z.array(z.string())]),
    cwd: z.string().optional(),
    env: z.record(z.string(), z.string()).optional(),
    stdin: z.string().optional(),
    sandbox: z.string().optional(),
    wait_seconds: z.number().optional(),
  }),
  output: z.object({ ran: z.boolean() }),
  subject: ({ command, cwd, env }) => ({ ...(typeof command === 'string' ? { shell: command } : { argv: command }), cwd, env }),
  run: () => Promise.resolve({ ran: true }),
});

export interface Ask {
  readonly command: string | readonly string[];
  readonly [other: string]: unknown;
}

/** A call on its way through the door, and what the rules said of it. */
export const callOf = (input: Ask, context: Partial<OperationContext> = {}): Call => ({
  id: 'c1',
  operation: execute,
  input,
  limited: true,
  context: { caller: { id: 'agent', via: 'mcp', scopes: [] }, signal: new AbortController().signal, progress: () => undefined, ...context },
});

export const asks = (input: Ask, change: Partial<Decision> = {}): Decision => {
  const [name = ''] = Array.isArray(input.command) ? (input.command as string[]) : [];
  return {
    verdict: 'ask',
    rule: 'careful',
    reason: 'it is dangerous',
    caps: {},
    programs: name === '' ? [] : [{ name, path: `/usr/bin/${name}`, argv: input.command as string[], rule: 'careful' }],
    ...change,
  };
};

/** Files in memory, by absolute path. */
export const placeWith = (files: Map<string, string>): Place => ({
  cwd: '/work',
  home: '/home/sandbox',
  files: {
    stat: async (path) => {
      const text = files.get(path);
      if (text === undefined) throw new CorralError('not_found', `${path} is not there.`);
      const modifiedMs = Number.parseInt(createHash('sha1').update(text).digest('hex').slice(0, 8), 16);
      return { name: path, kind: 'file', size: Buffer.byteLength(text), modifiedMs, mode: 0o644 };
    },
    read: async (path, offset, length) => {
      const data = Buffer.from(files.get(path) ?? '').subarray(offset, offset + length);
      const size = Buffer.byteLength(files.get(path) ?? '');
      return { data, size, eof: offset + data.length >= size };
    },
  },
});

export interface Desk {
  readonly approvals: ReturnType<typeof createApprovals>;
  readonly store: Store;
  readonly files: Map<string, string>;
  readonly complaints: string[];
  /** Moves the clock that questions and grants expire by, in ms. */
  pass(ms: number): void;
}

export const openDesk = (change: Partial<ApprovalsDeps> = {}, store: Store = createMemoryStore()): Desk => {
  const files = new Map<string, string>();
  const complaints: string[] = [];
  let passed = 0;
  const quiet = (): void => undefined;
  const approvals = createApprovals({
    store: store.approvals,
    server: 'v1',
    at: { driver: 'bubblewrap', network: 'none', workspaces: ['/work'] },
    placeOf: () => Promise.resolve(placeWith(files)),
    waitMs: 300,
    pendingMs: 600_000,
    grantMs: 3_600_000,
    grantLine: (id) => `corral approvals grant ${id}`,
    log: { debug: quiet, info: quiet, warn: (_, message) => complaints.push(message), error: (_, message) => complaints.push(message) },
    now: () => Date.now() + passed,
    ...change,
  });
  return { approvals, store, files, complaints, pass: (ms) => void (passed += ms) };
};

/** What the call was refused with; fails when it was allowed. */
export const refusalOf = async (work: Promise<unknown>): Promise<CorralError> => {
  const error: unknown = await work.then(
    () => new Error('it was allowed'),
    (reason: unknown) => reason,
  );
  if (error instanceof CorralError) return error;
  throw error;
};

/** Asks without waiting and gives the id of the question. */
export const questionFor = async (
  { approvals }: Desk,
  input: Ask,
  context: Partial<OperationContext> = {},
  decision: Decision = asks(input),
): Promise<string> => {
  const { code, message, details } = await refusalOf(approvals.approve(callOf(input, context), decision));
  if (code !== 'approval_required') throw new Error(`${code}: ${message}`);
  return details['approval'] as string;
};
