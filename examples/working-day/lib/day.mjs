import { strict as assert } from 'node:assert';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const CALL_MS = 60_000;

/** A client at work: calls tools of the server, shows each, and checks what came back. */
export const startDay = async ({ server, workspace, stateDir, transcript }) => {
  const client = new Client({ name: 'working-day', version: '1' });
  const env = { ...process.env, CORRAL_STATE_DIR: stateDir };
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [server, workspace], env, stderr: 'inherit' }));
  let checked = 0;
  return {
    transcript,
    /** Structured answer of a tool; a refusal ends the demo with its message. */
    call: async (tool, args) => {
      transcript.call(tool, args);
      const started = performance.now();
      const result = await client.callTool({ name: tool, arguments: args }, { timeout: CALL_MS });
      const answer = result.structuredContent;
      assert(result.isError !== true, `${tool} was refused: ${JSON.stringify(answer)}`);
      transcript.answer(answer, performance.now() - started);
      return answer;
    },
    /** Throws unless both are deeply equal. */
    holds: (what, actual, expected) => {
      assert.deepEqual(actual, expected, what);
      checked += 1;
      transcript.holds(what);
    },
    get checked() {
      return checked;
    },
    close: () => client.close(),
  };
};
