import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../chaos/random.mjs';
import { runUnit } from './run-unit.mjs';
import { startServer } from './server.mjs';
import { makeUnit } from './units.mjs';
import { folderBytes, lookAt } from './watch.mjs';

/** Before a look at an idle server: what ended has been reaped and acknowledged by then. */
const REST_MS = 1500;
const FOLDER_EVERY_MS = 5000;

/**
 * Units on a server that is never disturbed, and looked at before and after.
 * @param {{ stateDir: string, env: Record<string, string>, vitals: string, count: number, warmUp: number, width: number,
 *   seed: number, mark: string, tally: any, pace: (share: number) => Promise<void> }} options
 */
export const holdSteady = async ({ stateDir, env, vitals, count, warmUp, width, seed, mark, tally, pace }) => {
  const server = await startServer(stateDir, env, vitals);
  let next = 0;
  const runUntil = async (end) => {
    const lane = async () => {
      while (next < end) {
        const index = next++;
        await pace(index / count);
        const token = `s${index}`;
        const random = createRandom(seed, token);
        const unit = makeUnit(token, random);
        tally.judged(unit, token, await runUnit(server, unit, token, mark, random).catch(String));
      }
    };
    await Promise.all(Array.from({ length: width }, lane));
    await sleep(REST_MS);
  };
  const folder = [];
  const watching = setInterval(() => void folderBytes(stateDir).then((bytes) => folder.push([Date.now(), bytes])), FOLDER_EVERY_MS);
  try {
    await runUntil(warmUp);
    const before = lookAt(server.session.pid);
    const from = Date.now();
    process.kill(server.session.pid, 'SIGUSR2');
    await runUntil(count);
    const to = Date.now();
    return { before, after: lookAt(server.session.pid), from, to, folder };
  } finally {
    clearInterval(watching);
    await server.session.stop();
  }
};
