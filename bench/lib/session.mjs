import { spawn } from 'node:child_process';
import { once } from 'node:events';

const PROTOCOL = '2025-06-18';
const REQUEST_MS = 120_000;
const STDERR_KEPT = 16_384;

/**
 * One MCP server over stdio and the thinnest client that can measure it: requests are matched by id, nothing is validated, so that what is
 * measured is the server.
 */
export class Session {
  /** `cold` after `start`: milliseconds from spawn to the reply of tools/list. */
  coldMs = Number.NaN;
  /** @type {{ name: string }[]} */
  tools = [];
  #child;
  #waiting = new Map();
  #pieces = [];
  #nextId = 1;
  #stderr = '';
  #ended;
  /** @type {string | undefined} why there will be no more answers */
  #over;
  #started = performance.now();

  /** @param {{ argv: readonly string[], env?: Record<string, string>, cwd?: string }} spec */
  constructor(spec) {
    this.#child = spawn(spec.argv[0], spec.argv.slice(1), { stdio: 'pipe', cwd: spec.cwd, env: { ...process.env, ...spec.env } });
    this.#child.stdout.on('data', (chunk) => this.#feed(chunk));
    // Always read: a full stderr pipe stalls a server.
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    this.#child.stdin.on('error', () => {}); // its end is told by `exit`
    this.#ended = once(this.#child, 'close').then(
      ([code, signal]) => this.#fail(`the server ended (${signal ?? code})`),
      (error) => this.#fail(`the server did not start: ${error.message}`),
    );
  }

  get pid() {
    return this.#child.pid;
  }

  get stderr() {
    return this.#stderr;
  }

  async start() {
    await this.request('initialize', { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: { name: 'bench', version: '1' } });
    this.#write({ method: 'notifications/initialized' });
    const { tools } = await this.request('tools/list', {});
    this.coldMs = performance.now() - this.#started;
    this.tools = tools;
    return this;
  }

  /**
   * Result of a request; throws when it is an error. An abort is told to the server, and ends the wait for its answer.
   * @param {string} method
   * @param {object} params
   * @param {AbortSignal} [signal]
   */
  request(method, params, signal) {
    if (this.#over !== undefined) return Promise.reject(new Error(this.#over));
    const id = this.#nextId++;
    signal?.addEventListener(
      'abort',
      () => {
        const waiting = this.#waiting.get(id);
        if (waiting === undefined) return;
        this.#waiting.delete(id);
        clearTimeout(waiting.timer);
        this.#write({ method: 'notifications/cancelled', params: { requestId: id, reason: 'enough' } });
        waiting.reject(new Error('cancelled by the caller'));
      },
      { once: true },
    );
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`no answer to ${method} in ${REQUEST_MS / 1000} s\n${this.#stderr.slice(-1000)}`));
      }, REQUEST_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#write({ id, method, params });
    });
  }

  /** Calls a tool; throws when the result is an error. */
  async call(name, args) {
    const result = await this.request('tools/call', { name, arguments: args });
    if (result.isError) throw new Error(`${name}: ${result.content?.[0]?.text ?? 'failed'}`);
    return result;
  }

  /** Ends the server as a client does, by the end of its input; by force when it does not go. */
  async stop() {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await this.#ended;
    clearTimeout(timer);
  }

  /** Ends it where it stands, as a crash does. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #write(message) {
    this.#child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  /** Keeps the pieces of a line until its end arrives: long answers cost no repeated copying. */
  #feed(chunk) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const piece = chunk.subarray(from, end);
      const line = this.#pieces.length === 0 ? piece : Buffer.concat([...this.#pieces, piece]);
      this.#pieces = [];
      from = end + 1;
      this.#take(line);
    }
    if (from < chunk.length) this.#pieces.push(chunk.subarray(from));
  }

  #take(line) {
    let message;
    try {
      message = JSON.parse(line.toString());
    } catch {
      return; // a rival's banner on stdout
    }
    if (message.method !== undefined) {
      // Some servers wait for an answer to what they ask before they go on.
      if (message.id !== undefined)
        this.#write({ id: message.id, ...(message.method === 'ping' ? { result: {} } : { error: { code: -32601, message: 'no' } }) });
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.error === undefined) waiting.resolve(message.result);
    else waiting.reject(new Error(`${message.error.code} ${message.error.message}`));
  }

  #fail(reason) {
    this.#over = reason;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new Error(`${reason}\n${this.#stderr.slice(-1000)}`));
    }
    this.#waiting.clear();
  }
}
