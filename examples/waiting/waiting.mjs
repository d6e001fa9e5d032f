// `npm run demo:waiting [SECONDS]`: one build, watched by an agent that asks again and again and by one that waits. Same server, same answer
// in the end; counted is what each had to write and read for it.
import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from '../../scripts/lib/build.mjs';
import { agents } from './agents.mjs';

const SERVER = fileURLToPath(new URL('../../dist/corral.js', import.meta.url));
const MODULES = 40;
/** Between two questions of the one that asks. */
const POLL_MS = 2_000;
/** As models are billed, near enough. */
const BYTES_PER_TOKEN = 4;

const seconds = Number(process.argv[2] ?? 20);
assert(seconds > 0 && seconds <= 600, 'SECONDS: between 1 and 600');

const STEP = seconds / MODULES;
const BUILD = `for i in $(seq ${MODULES}); do echo "[$i/${MODULES}] compiling module_$i.c"; sleep ${STEP}; done; echo "build finished: ${MODULES} modules"`;

/** The usual way, done well: only what is new is read, and only every other second. */
const ask = async ({ call }) => {
  const { execution_id } = await call('execute_command', { command: BUILD, wait_seconds: 0 });
  let cursor;
  let said = '';
  for (;;) {
    await sleep(POLL_MS);
    const answer = await call('read_output', { execution_id, stream: 'stdout', ...(cursor && { cursor }) });
    said += answer.stdout?.text ?? '';
    cursor = answer.stdout?.next_cursor ?? cursor;
    if (answer.status === 'finished') return { outcome: answer.outcome, last: said.trimEnd().split('\n').at(-1) };
  }
};

/** One call for each time that a client lets a call last. */
const wait = async ({ call }) => {
  const { execution_id } = await call('execute_command', { command: BUILD, wait_seconds: 0 });
  for (;;) {
    const answer = await call('wait', { execution_id, until: 'exit', wait_seconds: 45 });
    if (answer.satisfied) return { outcome: answer.outcome, last: answer.stdout.text.trimEnd().split('\n').at(-1) };
  }
};

const row = (name, ...cells) => console.log(`  ${name.padEnd(28)}${cells.map((cell) => String(cell).padStart(14)).join('')}`);
const tokens = (bytes) => Math.round(bytes / BYTES_PER_TOKEN).toLocaleString('en-US');

const watchBoth = async (server) => {
  const [asking, waiting] = [server.agent('asks'), server.agent('waits')];
  const started = performance.now();
  const [asked, waited] = await Promise.all([ask(asking), wait(waiting)]);

  assert.deepEqual(asked, { outcome: { kind: 'exited', code: 0 }, last: `build finished: ${MODULES} modules` });
  assert.deepEqual(waited, asked, 'both know the same in the end');
  assert.equal(waiting.calls, 1 + Math.ceil(Math.max(1, seconds) / 45), 'one call to start it, and one for each 45 seconds');
  assert(asking.calls > Math.min(waiting.calls, Math.floor((seconds * 1000) / POLL_MS)), 'the other one had to ask');
  assert(waiting.bytes < asking.bytes, 'waiting costs less');

  console.log(`\nA build of ${seconds} s, both at once (${((performance.now() - started) / 1000).toFixed(1)} s):\n`);
  row('', 'asks', 'waits');
  row('calls', asking.calls, waiting.calls);
  row('tokens written by the model', tokens(asking.written), tokens(waiting.written));
  row('tokens read by the model', tokens(asking.read), tokens(waiting.read));
  row('tokens in all', tokens(asking.bytes), tokens(waiting.bytes));
  console.log('\n  Not counted: each further call is a turn of the model, which reads the whole conversation again.\n');
};

const folder = await mkdtemp(join(tmpdir(), 'corral-waiting-'));
try {
  await build();
  const server = await agents(SERVER, folder);
  try {
    await watchBoth(server);
  } finally {
    await server.close();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
