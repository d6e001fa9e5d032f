import { type ClientRequest, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { callTool, MODERN_META, type RawReply, type RawStdio, startLegacy, startRaw } from '../../faces/mcp/support/raw-stdio.ts';
import { build } from '../../../scripts/lib/build.mjs';
import { SERVER, temporaryFolder } from './corral.ts';
import { startHttpCorral } from './http.ts';

/** A call under way, on any transport and in any era. */
export interface Call {
  /** As this leg calls it off. */
  cancel(): Promise<void>;
  /** What came for it so far, answers and all else that names it. */
  heard(): readonly RawReply[];
}

/** One transport in one era, spoken byte by byte to the built server. */
export interface Leg extends AsyncDisposable {
  /** `token`: of progress. */
  call(name: string, args: Record<string, unknown>, token?: string): Promise<Call>;
  /** Resolves when the server has read all that was sent before. */
  roundTrip(): Promise<void>;
}

export type LegName = 'stdio, legacy' | 'stdio, modern' | 'http, legacy' | 'http, modern';

const withMeta = (message: Record<string, unknown>, isModern: boolean, token?: string): Record<string, unknown> => ({
  ...message,
  params: {
    ...(message['params'] as Record<string, unknown> | undefined),
    _meta: { ...(isModern && MODERN_META), ...(token !== undefined && { progressToken: token }) },
  },
});

const openStdio = async (isModern: boolean): Promise<Leg> => {
  await build();
  const folder = temporaryFolder();
  const env = { CORRAL_STATE_DIR: join(folder.path, 'state') };
  const server: RawStdio = isModern ? startRaw(SERVER, env) : await startLegacy(SERVER, env);
  let nextId = 100;
  const names = (line: string, id: number, token: string | undefined): RawReply[] => {
    const message = JSON.parse(line) as RawReply;
    return message.id === id || (token !== undefined && message.params?.['progressToken'] === token) ? [message] : [];
  };
  return {
    call: (name, args, token) => {
      const id = (nextId += 1);
      server.send({ id, ...withMeta(callTool(name, args), isModern, token) });
      return Promise.resolve({
        cancel: () => {
          server.send({ method: 'notifications/cancelled', params: { requestId: id, reason: 'enough' } });
          return Promise.resolve();
        },
        heard: () => server.lines.flatMap((line) => names(line, id, token)),
      });
    },
    roundTrip: async () => {
      const id = (nextId += 1);
      server.send({ id, ...withMeta({ method: isModern ? 'server/discover' : 'ping' }, isModern) });
      await server.reply(id);
    },
    [Symbol.asyncDispose]: async () => {
      server.endInput();
      await server.exited;
      folder[Symbol.dispose]();
    },
  };
};

interface Posted {
  readonly session: Promise<string>;
  readonly ended: Promise<void>;
  text(): string;
  abort(): void;
}

const later = <T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } => {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
};

const post = (url: string, message: Record<string, unknown>, headers: Record<string, string>): Posted => {
  let text = '';
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  const started = later<{ readonly session: string }>();
  const ended = later<void>();
  const sent: ClientRequest = httpRequest(
    url,
    {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
    },
    (response) => {
      started.resolve({ session: String(response.headers['mcp-session-id'] ?? '') });
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('close', () => ended.resolve());
    },
  );
  const over = (): void => {
    started.resolve({ session: '' });
    ended.resolve();
  };
  sent.on('error', over).once('close', over).end(body);
  return {
    session: started.promise.then(({ session }) => session),
    ended: ended.promise,
    text: () => text,
    abort: () => void sent.destroy(),
  };
};

const messagesOf = (text: string): RawReply[] =>
  text.startsWith('{')
    ? [JSON.parse(text) as RawReply]
    : text
        .split('\n')
        .filter((line) => line.startsWith('data: {'))
        .map((line) => JSON.parse(line.slice(6)) as RawReply);

const HELLO = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } };

export interface HttpLeg extends Leg {
  /** The connections of all calls break. */
  dropAll(): void;
  /** Ends the session of a client before 2026. */
  endSession(): Promise<void>;
}

export const openHttp = async (isModern: boolean): Promise<HttpLeg> => {
  const server = await startHttpCorral();
  const open = new Set<Posted>();
  let nextId = 100;
  let session = '';
  const headersFor = (method: string, name?: string): Record<string, string> =>
    isModern
      ? { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': method, ...(name !== undefined && { 'Mcp-Name': name }) }
      : { 'MCP-Protocol-Version': '2025-11-25', ...(session !== '' && { 'Mcp-Session-Id': session }) };
  const send = (message: Record<string, unknown>, name?: string): Posted =>
    post(server.url, message, headersFor(String(message['method']), name));
  if (!isModern) {
    session = await post(server.url, { id: 1, method: 'initialize', params: HELLO }, {}).session;
    await send({ method: 'notifications/initialized' }).ended;
  }
  return {
    call: (name, toolArgs, token) => {
      const id = (nextId += 1);
      const posted = send({ id, ...withMeta(callTool(name, toolArgs), isModern, token) }, name);
      open.add(posted);
      return Promise.resolve({
        cancel: async () => {
          if (isModern) posted.abort();
          else await send({ method: 'notifications/cancelled', params: { requestId: id, reason: 'enough' } }).ended;
          await posted.ended;
        },
        heard: () => messagesOf(posted.text()),
      });
    },
    roundTrip: async () => {
      const id = (nextId += 1);
      await send({ id, ...withMeta({ method: isModern ? 'server/discover' : 'tools/list' }, isModern) }).ended;
    },
    dropAll: () => {
      for (const posted of open) posted.abort();
    },
    endSession: async () => {
      await fetch(server.url, { method: 'DELETE', headers: headersFor('') });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

export const openLeg = (name: LegName): Promise<Leg> => {
  const isModern = name.endsWith('modern');
  return name.startsWith('stdio') ? openStdio(isModern) : openHttp(isModern);
};
