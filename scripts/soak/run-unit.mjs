import { setTimeout as sleep } from 'node:timers/promises';
import { Refused } from './server.mjs';

const SETTLE_MS = 60_000;
/** A cancelled call whose program is not known by then never started one. */
const START_MS = 5000;

/** What stands in an answer, as the bytes that were printed. */
const bytesOf = (text, isBinary) => {
  if (!isBinary) return Buffer.from(text);
  return Buffer.from(
    text.replace(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
};

/** A whole stream, page by page. */
const readAll = async (server, execution, stream, pageBytes) => {
  const pieces = [];
  let cursor;
  do {
    const answer = await server.call('read_output', {
      execution_id: execution,
      stream,
      limit_bytes: pageBytes,
      raw: true,
      ...(cursor && { cursor }),
    });
    const page = answer[stream];
    if (page !== undefined) pieces.push(bytesOf(page.text, page.binary === true));
    cursor = page?.next_cursor;
  } while (cursor !== undefined);
  return Buffer.concat(pieces);
};

const settle = async (server, execution) => {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const answer = await server.call('wait', { execution_id: execution, wait_seconds: 10 });
    if (answer.status === 'finished' || performance.now() > deadline) return answer;
  }
};

/** The record that carries the token; undefined when there is none. */
export const findByToken = async (server, token) => {
  const { executions } = await server.call('list_executions', { labels: { soak: token } });
  if (executions.length > 1) throw new Error(`${token} ran ${executions.length} times`);
  return executions[0];
};

/** What is wrong with how it ended; undefined when nothing is. `told` is an answer that may say so already. */
export const judge = async (server, unit, execution, told) => {
  const answer = told?.status === 'finished' ? told : await settle(server, execution);
  if (answer.status !== 'finished') return 'never ended';
  const { kind, code } = unit.outcome;
  if (answer.outcome.kind !== kind || answer.outcome.code !== code)
    return `outcome ${JSON.stringify(answer.outcome)} instead of ${JSON.stringify(unit.outcome)}`;
  if (unit.any) return undefined;
  for (const stream of ['stdout', 'stderr']) {
    const wanted = bytesOf(unit[stream] ?? '', unit.kind === 'binary');
    const shown = answer[stream];
    const got =
      unit.read !== undefined && stream === 'stdout' ? await readAll(server, execution, stream, unit.read) : Buffer.from(shown?.text ?? '');
    if (!got.equals(wanted))
      return `${stream}: ${got.length} bytes instead of ${wanted.length}: ${JSON.stringify(got.toString('latin1').slice(0, 200))}`;
  }
  return undefined;
};

/** Of a program that could not be started nobody but its server was told: with that, how it ended is lost. */
export const isUntold = async (server, execution) => (await settle(server, execution)).outcome?.kind === 'lost';

/** Does what belongs to the unit once its program runs, and judges how it ended. */
export const finish = async (server, unit, execution, told) => {
  if (unit.act !== undefined) {
    const { survivors } = await server.call('terminate', { execution_id: execution, grace_seconds: 1 });
    if (survivors.length > 0) return `survivors: ${survivors.join(', ')}`;
  }
  return judge(server, unit, execution, told);
};

const cancelled = async (server, unit, token, args, afterMs) => {
  const cancel = new AbortController();
  const timer = setTimeout(() => cancel.abort(), afterMs);
  try {
    await server.call(unit.tool, args, cancel.signal);
    return 'was answered, and should have run until it was cancelled';
  } catch (error) {
    if (!cancel.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  const deadline = performance.now() + START_MS;
  let record;
  while (record === undefined && performance.now() < deadline) {
    record = await findByToken(server, token);
    if (record === undefined) await sleep(100);
  }
  return record === undefined ? undefined : judge(server, unit, record.execution_id);
};

/**
 * One unit from its start to its judgement: undefined, or what is wrong.
 * @param {any} server
 * @param {import('./units.mjs').Unit} unit
 * @param {string} token
 * @param {string} mark of all processes of the soak
 * @param {any} random
 */
export const runUnit = async (server, unit, token, mark, random) => {
  const args = { ...unit.args, labels: { soak: token }, env: { SOAK_MARK: mark } };
  if (unit.act === 'cancel') return cancelled(server, unit, token, args, random.between(0, 400));
  try {
    const told = await server.call(unit.tool, args);
    if (unit.refused !== undefined) return 'was not refused';
    return await finish(server, unit, told.execution_id, told);
  } catch (error) {
    if (error instanceof Refused && error.code === unit.refused) return undefined;
    throw error;
  }
};
