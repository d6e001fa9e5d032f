import { strict as assert } from 'node:assert';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const CALL_MS = 60_000;

/** A server over stdio, and agents that call its tools: each counts what its model would write and read. */
export const agents = async (server, stateDir) => {
  const client = new Client({ name: 'waiting', version: '1' });
  const env = { ...process.env, CORRAL_STATE_DIR: stateDir };
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [server], env, stderr: 'inherit' }));
  return {
    agent: (name) => {
      let [calls, written, read] = [0, 0, 0];
      return {
        call: async (tool, args) => {
          const { structuredContent, isError } = await client.callTool({ name: tool, arguments: args }, { timeout: CALL_MS });
          assert(isError !== true, `${tool}: ${JSON.stringify(structuredContent)}`);
          calls += 1;
          written += Buffer.byteLength(JSON.stringify({ name: tool, arguments: args }));
          read += Buffer.byteLength(JSON.stringify(structuredContent));
          if (process.env.SHOW) console.log(`${name}: ${tool} ${JSON.stringify(args)}\n  ${JSON.stringify(structuredContent)}`);
          return structuredContent;
        },
        get calls() {
          return calls;
        },
        get written() {
          return written;
        },
        get read() {
          return read;
        },
        get bytes() {
          return written + read;
        },
      };
    },
    close: () => client.close(),
  };
};
