import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, readAll } from './output.mjs';
import { createRandom } from './random.mjs';
import { startServer } from './server.mjs';
import { makeUnit } from './units.mjs';

const WIDTH = 50;
const LATE_OUTPUT_MS = 15_000;
const DRAIN_MS = 60_000;

/**
 * Kills the server again and again while programs run. Each program's output, exit code and tree are checked by a later server.
 * @param {{ stateDir: string, kills: number, seed: number, mark: string, say: (line: string) => void }} options
 */
export const surviveKills = async ({ stateDir, kills, seed, mark, say }) => {
  const failures = [];
  const fail = (line) => {
    failures.push(line);
    say(`FAIL ${line}`);
  };
  /** Units by token. `execution` is known once an answer, or a list, named it. */
  const open = new Map();
  const count = { started: 0, unanswered: 0, neverStarted: 0, checked: 0, bytes: 0, kinds: {} };
  const children = [];
  let server = await startServer(stateDir);

  const begin = async (token) => {
    const random = createRandom(seed, token);
    const unit = makeUnit(token, random);
    const one = { token, unit, execution: undefined, answered: false, sent: [], ended: false };
    open.set(token, one);
    count.started += 1;
    count.kinds[unit.kind] = (count.kinds[unit.kind] ?? 0) + 1;
    // Half of the callers wait for the end, and lose their answer with the server.
    const waits = !unit.interactive && random.next() < 0.5;
    const args = {
      command: unit.command,
      env: { CHAOS_MARK: mark },
      labels: { chaos: mark, token },
      wait_seconds: waits ? 50 : 0,
      interactive: unit.interactive ?? false,
    };
    const answer = await server.call('execute_command', args);
    one.execution = answer.execution_id;
    one.answered = true;
  };

  /** Sends numbered lines to a reader; which of them arrived is known only of those that were acknowledged. */
  const feed = async (one) => {
    for (let line = 0; line < 3; line += 1) {
      const note = { text: `line ${one.sent.length + 1}`, acknowledged: false };
      one.sent.push(note);
      await server.call('send_input', { execution_id: one.execution, text: `${note.text}\n` });
      note.acknowledged = true;
    }
  };

  const endReader = async (one) => {
    one.ended = true;
    try {
      await server.call('send_input', { execution_id: one.execution, end: true });
    } catch (error) {
      // An end that was sent before the kill may have arrived after all.
      if (!/"conflict"/.test(String(error))) throw error;
    }
  };

  const readerIsRight = (one, text) => {
    const got = text.split('\n').filter(Boolean);
    const wanted = one.sent.filter(({ acknowledged }) => acknowledged).map((note) => `${one.token} ${note.text}`);
    const possible = one.sent.map((note) => `${one.token} ${note.text}`);
    const inOrder = got.every((line, index) => index === 0 || possible.indexOf(line) > possible.indexOf(got[index - 1]));
    return wanted.every((line) => got.includes(line)) && got.every((line) => possible.includes(line)) && inOrder;
  };

  const checkUnit = async (one) => {
    const { unit, execution, token } = one;
    const last = { stdout: '', stderr: '' };
    const whole = await eventually(
      async () => {
        last.stdout = await readAll(server, execution, 'stdout');
        last.stderr = await readAll(server, execution, 'stderr');
        return unit.interactive ? readerIsRight(one, last.stdout) : last.stdout === unit.stdout && last.stderr === unit.stderr;
      },
      unit.kind === 'background' ? LATE_OUTPUT_MS : 0,
    );
    if (!whole) {
      const sizes = `${last.stdout.length} of ${unit.stdout.length} and ${last.stderr.length} of ${unit.stderr.length} bytes`;
      fail(
        `${token} (${unit.kind}, ${execution}): output is not whole: ${sizes}${unit.interactive ? ` sent ${JSON.stringify(one.sent)} got ${JSON.stringify(last.stdout)}` : ''}`,
      );
    }
    const answer = await server.call('wait', { execution_id: execution, wait_seconds: 0 });
    if (answer.outcome?.kind !== 'exited' || answer.outcome.code !== unit.code)
      fail(
        `${token} (${unit.kind}, ${execution}): outcome ${JSON.stringify(answer.outcome)} instead of exited ${unit.code}: ${JSON.stringify(answer.hints)}`,
      );
    const { survivors } = await server.call('terminate', { execution_id: execution, grace_seconds: 0 });
    if (survivors.length > 0) fail(`${token} (${unit.kind}): survivors ${JSON.stringify(survivors)}`);
    count.checked += 1;
    count.bytes += last.stdout.length + last.stderr.length;
    open.delete(token);
  };

  /** After a restart: who is known, who ended, who is right. */
  const takeStock = async () => {
    const finished = [];
    for (const one of [...open.values()]) {
      const { executions } = await server.call('list_executions', { labels: { chaos: mark, token: one.token } });
      if (executions.length > 1) fail(`${one.token} ran ${executions.length} times`);
      const record = executions[0];
      if (record === undefined) {
        if (one.execution !== undefined) fail(`${one.token} (${one.unit.kind}, ${one.execution}) is not known any more`);
        else count.neverStarted += 1;
        open.delete(one.token);
        continue;
      }
      one.execution ??= record.execution_id;
      if (record.status === 'finished') finished.push(one);
    }
    for (const one of finished) await checkUnit(one);
  };

  /** One life of a server: tops up the programs, feeds readers, is killed in the middle of it. */
  const live = async (round) => {
    const delay = createRandom(seed, round).between(20, 1200);
    const work = [];
    let dead = false;
    /** A call that the kill cut short has no answer; every other failure is one. */
    const guarded = (task) =>
      work.push(
        task.catch((error) => {
          if (dead) count.unanswered += 1;
          else fail(`round ${round}: ${String(error).slice(0, 500)}`);
        }),
      );
    for (const one of open.values()) if (one.unit.interactive && !one.ended) guarded(one.sent.length === 0 ? feed(one) : endReader(one));
    for (let index = 0; open.size < WIDTH; index += 1) guarded(begin(`r${round}u${index}`));
    await sleep(delay);
    dead = true;
    children.push(...server.kill());
    await Promise.all(work);
    for (const one of open.values()) if (one.unit.interactive && one.ended) one.ended = false; // its end may have been lost: asked again
  };

  for (let round = 1; round <= kills; round += 1) {
    await live(round);
    server = await startServer(stateDir);
    await takeStock();
    if (round % 20 === 0) say(`${round} kills, ${count.checked} executions checked, ${open.size} open, ${failures.length} failures`);
  }
  const deadline = performance.now() + DRAIN_MS;
  while (open.size > 0 && performance.now() < deadline) {
    for (const one of open.values())
      if (one.unit.interactive && !one.ended && one.execution !== undefined) await endReader(one).catch((error) => fail(String(error)));
    await sleep(200);
    await takeStock();
  }
  for (const one of open.values()) fail(`${one.token} (${one.unit.kind}, ${one.execution}) never ended`);
  const { sandboxes } = await server.call('sandbox', { action: 'list', all: true });
  await server.close();
  return { failures, count, children, sandboxes: sandboxes.map((one) => one.sandbox_id) };
};
