/** A log as a program: the first argument is the level, the others what to do, one after the other. */
import { createLog } from '../../../src/drivers/log.ts';

const [level, ...acts] = process.argv.slice(2);
const log = createLog(level as 'info');
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

for (const act of acts)
  if (act === 'all') for (const name of ['debug', 'info', 'warn', 'error'] as const) log[name]({ about: name }, `a line of ${name}`);
  else if (act === 'odd') {
    const circle: Record<string, unknown> = {};
    circle['itself'] = circle;
    log.error({ circle, big: 1n, error: new Error('inside') }, 'two\nlines');
  } else if (act === 'flood') for (let line = 0; line < 20_000; line += 1) log.error({ line, pad: 'x'.repeat(200) }, 'much');
  else if (act === 'exit') process.exit(3);
  else if (act === 'loop-delay') {
    const before = performance.now();
    await sleep(20);
    process.stdout.write(`${Math.round(performance.now() - before)}\n`);
  } else await sleep(Number(act));
