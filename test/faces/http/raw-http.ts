import { connect } from 'node:net';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

/** One request on a connection of its own, with exactly the headers given. */
export const ask = (port: number, { method = 'GET', path = '/', headers = {}, body }: Ask): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });

/** Bytes on a socket, as they are; resolves with all that came back when the server has closed it. */
export const askRaw = (port: number, send: (write: (bytes: string | Buffer) => void) => void, timeoutMs = 10_000): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => send((bytes) => socket.writable && socket.write(bytes)));
    let text = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the server left the connection open; it said: ${text.slice(0, 200)}`));
    }, timeoutMs);
    socket.setEncoding('latin1').on('data', (part: string) => (text += part));
    socket.on('error', () => undefined); // a reset is a way of closing
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
