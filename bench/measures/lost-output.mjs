import { randomBytes } from 'node:crypto';
import { concurrent } from '../lib/load.mjs';
import { startCorral } from '../lib/servers.mjs';
import { round } from '../lib/stats.mjs';

const WIDTH = 50;

/** `count` short commands, 50 at once, each with a token of its own on stdout and on stderr: how many did not come back whole. */
export const measureLostOutput = async (count) => {
  const corral = await startCorral();
  try {
    return await countLost(corral, count);
  } finally {
    await corral.stop();
  }
};

const countLost = async (corral, count) => {
  const run = randomBytes(6).toString('hex');
  const lost = [];
  const perSecond = await concurrent(count, WIDTH, async (index) => {
    const token = `${run}-${index}`;
    const code = index % 7;
    const answer = await corral.call('execute_command', { command: `echo out-${token}; echo err-${token} >&2; exit ${code}` });
    const whole =
      answer.stdout?.text === `out-${token}\n` &&
      answer.stderr?.text === `err-${token}\n` &&
      answer.outcome?.kind === 'exited' &&
      answer.outcome.code === code;
    if (!whole) lost.push({ token, answer });
  });
  return { calls: count, lost: lost.length, perSecond: round(perSecond, 1), examples: lost.slice(0, 3) };
};
