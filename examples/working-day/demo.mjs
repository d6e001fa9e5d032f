// `npm run demo`: a working day. A real MCP client drives the built server over stdio, in a sandbox, on real input, and checks each result.
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../../scripts/lib/build.mjs';
import { startDay } from './lib/day.mjs';
import { makeOrders } from './lib/orders.mjs';
import { createTranscript } from './lib/transcript.mjs';
import { analyse } from './steps/analysis.mjs';
import { buildAndRun } from './steps/compiled-program.mjs';
import { serveAndStop } from './steps/dev-server.mjs';
import { lookAround } from './steps/environment.mjs';
import { testAndMend } from './steps/test-suite.mjs';

const ROWS = 100_000;
const SERVER = fileURLToPath(new URL('../../dist/corral.js', import.meta.url));
const PROJECT = fileURLToPath(new URL('./project', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'corral-demo-'));

const work = async (day, orders) => {
  const { transcript } = day;
  transcript.title('What can run here');
  const here = await lookAround(day);
  transcript.title('A program is built and reads 100,000 orders');
  await buildAndRun(day, here, orders);
  transcript.title('The same orders, asked in Python');
  await analyse(day, orders);
  transcript.title('A test suite fails, is mended, and passes');
  await testAndMend(day);
  transcript.title('A dev server is started, used, read and ended');
  await serveAndStop(day, here, orders);
  transcript.end(day.checked);
};

try {
  await build();
  const workspace = join(folder, 'project');
  await cp(PROJECT, workspace, { recursive: true });
  const orders = { rows: ROWS, ...makeOrders(ROWS) };
  await writeFile(join(workspace, 'orders.csv'), orders.csv);
  const day = await startDay({ server: SERVER, workspace, stateDir: join(folder, 'state'), transcript: createTranscript() });
  try {
    await work(day, orders);
  } finally {
    await day.close();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
