import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { join } from 'node:path';
import { ROOT } from '../lib/process.mjs';
import { childrenOf } from './processes.mjs';

const CALL_MS = 60_000;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/**
 * A built server over stdio with a real client. `kill` ends it as a crash does; `close` as a client does.
 * @param {string} stateDir
 * @param {Record<string, string>} [env]
 */
export const startServer = async (stateDir, env = {}) => {
  const client = new Client({ name: 'chaos', version: '1' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join(ROOT, 'dist/corral.js')],
    env: { .../** @type {Record<string, string>} */ (process.env), CORRAL_STATE_DIR: stateDir, CORRAL_LOG_LEVEL: 'error', ...env },
    stderr: 'inherit',
    maxBufferSize: MAX_MESSAGE_BYTES,
  });
  await client.connect(transport);
  const pid = transport.pid;
  if (pid === null) throw new Error('the server has no pid');
  return {
    pid,
    /**
     * Structured answer of a tool; throws what the server refuses, as text.
     * @returns {Promise<any>}
     */
    call: async (tool, args) => {
      const result = await client.callTool({ name: tool, arguments: args }, { timeout: CALL_MS });
      if (result.isError) throw new Error(`${tool}: ${JSON.stringify(result.structuredContent)}`);
      return result.structuredContent;
    },
    /** SIGKILL, and its own children as they were: the launcher must not outlive it. */
    kill: () => {
      const children = childrenOf(pid);
      process.kill(pid, 'SIGKILL');
      return children;
    },
    close: () => client.close(),
  };
};
