import { once } from 'node:events';
import * as z from 'zod/v4';
import type { Caller, Operation } from '../../../../src/core/operation.ts';
import { createInvoke, defineOperation } from '../../../../src/core/operation.ts';
import { CorralError } from '../../../../src/ports/errors.ts';
import type { CorralMcpFactory, McpFaceOptions } from '../../../../src/faces/mcp/server-factory.ts';
import { createMcpServerFactory } from '../../../../src/faces/mcp/server-factory.ts';

const hints = { destructive: false, idempotent: true, openWorld: false };

/** What the fakes did: the tests' window behind the face. */
export interface FakeLog {
  started: number;
  aborted: number;
  muches: number;
  readonly callers: Caller[];
}

const sleepUntilAborted = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort');
};

/** Small operations that show one trait of the face each. */
export const fakeOperations = (log: FakeLog): readonly Operation[] => [
  defineOperation({
    name: 'text.echo',
    tool: 'echo',
    title: 'Echo',
    description: 'Gives back what it was given.',
    effect: 'read',
    hints,
    input: z.strictObject({ text: z.string().describe('What to give back'), times: z.int().min(1).max(9).default(1) }),
    output: z.object({ text: z.string(), bytes: z.int().optional() }),
    run: ({ text, times }, { caller }) => {
      log.callers.push(caller);
      return Promise.resolve({ text: text.repeat(times) });
    },
  }),
  defineOperation({
    name: 'time.sleep',
    tool: 'sleep',
    title: 'Sleep',
    description: 'Ends only when it is cancelled.',
    effect: 'execute',
    hints: { destructive: true, idempotent: false, openWorld: true },
    input: z.object({ ignores_signal: z.boolean().optional() }),
    output: z.object({ woken: z.boolean() }),
    run: async ({ ignores_signal }, { signal, progress }) => {
      log.started += 1;
      process.stderr.write('sleep began\n');
      progress('sleeping');
      await sleepUntilAborted(signal);
      log.aborted += 1;
      process.stderr.write('sleep aborted\n');
      if (ignores_signal) return { woken: true };
      throw new CorralError('cancelled', 'woken');
    },
  }),
  defineOperation({
    name: 'fault.raise',
    tool: 'fail',
    title: 'Fail',
    description: 'Fails as told.',
    effect: 'write',
    hints,
    input: z.object({ how: z.enum(['denied', 'unknown', 'cycle']) }),
    output: z.object({}).loose(),
    run: ({ how }) => {
      if (how === 'denied') throw new CorralError('denied', 'not this one', { hint: 'take another', details: { rule: 7 } });
      if (how === 'unknown') throw new TypeError('secret at /home/someone/file.ts:1');
      const cycle: Record<string, unknown> = {};
      cycle['self'] = cycle;
      return Promise.resolve(cycle);
    },
  }),
  defineOperation({
    name: 'voice.chatter',
    tool: 'chatter',
    title: 'Chatter',
    description: 'Reports progress much too often.',
    effect: 'read',
    hints,
    input: z.object({ ms: z.int().max(5000) }),
    output: z.object({ told: z.int() }),
    run: async ({ ms }, { progress }) => {
      const end = performance.now() + ms;
      let told = 0;
      while (performance.now() < end) {
        progress(`step ${String((told += 1))}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return { told };
    },
  }),
  defineOperation({
    name: 'voice.shout',
    tool: 'shout',
    title: 'Shout',
    description: 'Writes where only the protocol may.',
    effect: 'read',
    hints,
    input: z.object({}),
    output: z.object({ done: z.boolean() }),
    run: () => {
      console.log('a line from console.log');
      console.info('a line from console.info');
      process.stdout.write('a line from stdout.write\n');
      return Promise.resolve({ done: true });
    },
  }),
  defineOperation({
    name: 'text.much',
    tool: 'much',
    title: 'Much',
    description: 'As many bytes as asked for.',
    effect: 'read',
    hints,
    input: z.object({ bytes: z.int().max(64 * 1024 * 1024) }),
    output: z.object({ text: z.string() }),
    run: ({ bytes }) => {
      process.stderr.write(`much began ${String((log.muches += 1))}\n`);
      return Promise.resolve({ text: 'x'.repeat(bytes) });
    },
  }),
  defineOperation({
    name: 'log.show',
    tool: 'show_log',
    title: 'Show log',
    description: 'What happened so far.',
    effect: 'read',
    hints,
    input: z.object({}),
    output: z.object({ started: z.int(), aborted: z.int() }),
    run: () => Promise.resolve({ started: log.started, aborted: log.aborted }),
  }),
];

export const INFO = { name: 'corral-test', version: '0.0.0', title: 'Corral under test' };

export interface Fakes {
  readonly log: FakeLog;
  readonly factory: CorralMcpFactory;
}

/** `ready` is called before each operation, as the product opens its services. */
export const createFakes = (options: Partial<McpFaceOptions> = {}, ready: () => Promise<void> = () => Promise.resolve()): Fakes => {
  const log: FakeLog = { started: 0, aborted: 0, muches: 0, callers: [] };
  const factory = createMcpServerFactory({
    operations: fakeOperations(log),
    invoke: createInvoke({ ready, ended: () => undefined }),
    info: INFO,
    instructions: 'Be brief.',
    callerOf: (auth) => ({ id: auth?.clientId ?? 'stdio', via: 'mcp', scopes: auth?.scopes ?? [] }),
    ...options,
  });
  return { log, factory };
};
