import { createRandom } from '../chaos/random.mjs';
import { findByToken, finish, isUntold, runUnit } from './run-unit.mjs';
import { Refused, startServer } from './server.mjs';
import { makeUnit } from './units.mjs';

/** Units that a server begins before it is killed, and how long after the last of them. */
const LIFE = { from: 40, to: 250, thenMs: 60 };

/**
 * Units on a server that is killed again and again. Whatever was under way is found, and judged, by the next one.
 * @param {{ stateDir: string, env: Record<string, string>, count: number, width: number, seed: number, mark: string, tally: any, pace: (share: number) => Promise<void> }} options
 */
export const surviveCrashes = async ({ stateDir, env, count, width, seed, mark, tally, pace }) => {
  let next = 0;
  let crashes = 0;
  const underWay = new Map();
  let server = await startServer(stateDir, env);

  const live = async () => {
    const random = createRandom(seed, 'crash', crashes);
    let dead = false;
    const end = next + random.between(LIFE.from, LIFE.to);
    let timer;
    const crash = () => {
      dead = true;
      void server.session.kill();
    };
    const lane = async () => {
      while (!dead && next < count) {
        if (next >= end) timer ??= setTimeout(crash, random.between(0, LIFE.thenMs));
        await pace(next / count);
        if (dead || next >= count) return;
        const token = `c${next++}`;
        const ways = createRandom(seed, token);
        const unit = makeUnit(token, ways);
        underWay.set(token, unit);
        try {
          const wrong = await runUnit(server, unit, token, mark, ways);
          tally.judged(unit, token, wrong);
          underWay.delete(token);
        } catch (error) {
          if (dead) continue; // looked for by the next server
          tally.judged(unit, token, String(error));
          underWay.delete(token);
        }
      }
    };
    await Promise.all(Array.from({ length: width }, lane));
    clearTimeout(timer);
    if (!dead) return false;
    crashes += 1;
    return true;
  };

  /** A program that was asked for in the moment of the crash may never have started; one that started ended as it would have. */
  const settleOne = async ([token, unit]) => {
    underWay.delete(token);
    const record = await findByToken(server, token);
    if (record === undefined || (unit.refused !== undefined && (await isUntold(server, record.execution_id)))) {
      tally.neverStarted();
      return;
    }
    tally.judged(unit, token, await finish(server, unit, record.execution_id));
  };

  while (await live()) {
    server = await startServer(stateDir, env);
    await Promise.all(
      [...underWay].map((one) =>
        settleOne(one).catch((error) => tally.judged(one[1], one[0], error instanceof Refused ? error.message : String(error))),
      ),
    );
  }
  const { sandboxes } = await server.call('sandbox', { action: 'list' });
  await server.session.stop();
  return { crashes, sandboxes: sandboxes.length };
};
