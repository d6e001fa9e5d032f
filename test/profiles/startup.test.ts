import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPlace, type Place, PROGRAM } from '../faces/cli/support/program.ts';

const ROUNDS = 9;
/** Of a clock tick, by which the kernel counts. */
const TICK_MS = 10;

const FIRST_WORDS = [
  { id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } } },
  { method: 'notifications/initialized' },
  { id: 2, method: 'tools/list' },
]
  .map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  .join('');

let place: Place;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => place?.[Symbol.dispose]());

/** CPU time of all threads up to the answer to tools/list: what a start costs, whoever else is busy on this machine. */
const startCpuMs = (args: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      env: { ...process.env, CORRAL_STATE_DIR: place.stateDir, ALLOW_COMMANDS: 'ls,cat' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let text = '';
    let spent: number | undefined;
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      if (spent !== undefined || !text.includes('"id":2')) return;
      const fields = readFileSync(`/proc/${String(child.pid)}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      spent = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
      child.stdin.end();
    });
    child.once('error', reject);
    child.once('exit', () => (spent === undefined ? reject(new Error(`no answer: ${text}`)) : resolve(spent)));
    child.stdin.write(FIRST_WORDS);
  });

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

it('a profile starts as fast as Corral itself', { timeout: 120_000 }, async () => {
  const ways = {
    corral: [],
    'shell-server': ['--profile', 'shell-server'],
    'secure-exec': ['--profile', 'secure-exec', '--cmd', 'hello|"echo {x}"'],
  } as const;
  const costs: Record<keyof typeof ways, number[]> = { corral: [], 'shell-server': [], 'secure-exec': [] };
  for (let round = 0; round < ROUNDS; round += 1)
    for (const way of Object.keys(ways) as (keyof typeof ways)[]) costs[way].push(await startCpuMs(ways[way]));
  const own = median(costs.corral);
  // A tick each way, and a tenth for what the machine does beside.
  expect(median(costs['shell-server']), `corral ${String(own)} ms`).toBeLessThanOrEqual(own * 1.1 + 2 * TICK_MS);
  expect(median(costs['secure-exec']), `corral ${String(own)} ms`).toBeLessThanOrEqual(own * 1.1 + 2 * TICK_MS);
});
