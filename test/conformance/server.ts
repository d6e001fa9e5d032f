/**
 * The production composition of the HTTP face (door, guards, both legs, factory) with the referee's fixtures mounted on top: those of the
 * protocol, those of its extension for tasks (`--tasks`), or none (`--bare`). Listens on `--port` (default: any free one), prints its URL as the only line on stdout, ends with stdin.
 */
import { createRequestStateCodec } from '@modelcontextprotocol/server';
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import * as z from 'zod/v4';
import { createInvoke, defineOperation } from '../../src/core/operation.ts';
import { openHttpDoor } from '../../src/faces/http/door.ts';
import type { McpMount } from '../../src/faces/mcp/http-handler.ts';
import { createMcpHttpHandler } from '../../src/faces/mcp/http-handler.ts';
import type { CorralMcpFactory, McpFaceOptions } from '../../src/faces/mcp/server-factory.ts';
import { createMcpServerFactory } from '../../src/faces/mcp/server-factory.ts';
import { createToolCaller } from '../../src/faces/mcp/call-tool.ts';
import { mountTools } from './fixtures/content.ts';
import { mountLibrary } from './fixtures/library.ts';
import { mountPushed } from './fixtures/pushed.ts';
import { mountRounds } from './fixtures/rounds.ts';
import { createTaskFixtures, mountTaskRounds } from './fixtures/tasks.ts';

const { values: flags } = parseArgs({
  options: {
    bare: { type: 'boolean', default: false },
    tasks: { type: 'boolean', default: false },
    port: { type: 'string', default: '0' },
  },
});

const codec = createRequestStateCodec<string>({ key: randomBytes(32), ttlSeconds: 60 });

const echo = defineOperation({
  name: 'text.echo',
  tool: 'echo',
  title: 'Echo',
  description: 'Gives back what it was given.',
  effect: 'read',
  hints: { destructive: false, idempotent: true, openWorld: false },
  input: z.object({ text: z.string() }),
  output: z.object({ text: z.string() }),
  run: ({ text }) => Promise.resolve({ text }),
});

const fixtures = createTaskFixtures();
const key = randomBytes(32);
const options: McpFaceOptions = {
  operations: flags.tasks ? fixtures.operations : [echo],
  tasks: flags.tasks ? { ...fixtures.continuation, key: () => Promise.resolve(key) } : undefined,
  invoke: createInvoke({ ready: () => Promise.resolve(), ended: () => undefined }),
  info: { name: 'corral-conformance', version: '0.0.0', title: 'Corral, with the fixtures of the referee' },
  instructions: 'For the referee only.',
  callerOf: (auth) => ({ id: auth?.clientId ?? 'nobody', via: 'mcp', scopes: [] }),
  requestState: { verify: codec.verify },
};
const base = createMcpServerFactory(options);
const caller = createToolCaller(options);

const withFixtures: CorralMcpFactory = (context) => {
  const server = base(context);
  server.server.registerCapabilities({ logging: {}, tools: { listChanged: true }, prompts: { listChanged: true } });
  mountTools(server);
  mountPushed(server);
  mountRounds(server, codec);
  mountLibrary(server, () => mount.notify);
  return server;
};

const withTasks: CorralMcpFactory = (context) => {
  const server = base(context);
  mountTaskRounds(server, caller, { isModern: context?.era === 'modern', capabilities: () => server.server.getClientCapabilities() });
  return server;
};

const mount: McpMount = createMcpHttpHandler({
  factory: flags.tasks ? withTasks : flags.bare ? base : withFixtures,
  onError: (error) => console.error(error.message),
});

const door = await openHttpDoor({
  bind: { host: '127.0.0.1', port: Number(flags.port) },
  grants: [],
  anonymous: { id: 'referee', scopes: [] },
  allowedHosts: [],
  mounts: [mount],
  version: '0.0.0',
  onError: (error, where) => console.error(where, error),
});
process.stdout.write(`${door.url}/mcp\n`);
process.stdin.resume().once('end', () => void door.close());
