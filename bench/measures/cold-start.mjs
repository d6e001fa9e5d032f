import { capture } from '../../scripts/lib/process.mjs';
import { startCorral } from '../lib/servers.mjs';
import { median, round } from '../lib/stats.mjs';

/** From the start of the process to the answer of the first tools/list, beside what Node needs to do nothing; and what that answer weighs. */
export const measureColdStart = async (runs) => {
  const corral = [];
  const node = [];
  let tools = [];
  for (let index = 0; index < runs; index += 1) {
    const server = await startCorral();
    corral.push(server.session.coldMs);
    ({ tools } = server.session);
    await server.stop();
    const started = performance.now();
    const { code } = await capture([process.execPath, '-e', '0']);
    if (code !== 0) throw new Error(`node -e 0 ended with ${code}`);
    node.push(performance.now() - started);
  }
  return {
    corralMs: round(median(corral), 1),
    nodeMs: round(median(node), 1),
    tools: tools.length,
    toolsListBytes: Buffer.byteLength(JSON.stringify(tools)),
  };
};
