import { lows, slope } from './fit.mjs';

const MIB = 1024 ** 2;
const MINUTE_MS = 60_000;
/** Of the steady part, what is left out: caches fill and code is compiled first. */
const SETTLING = 0.25;
const HEAP_STRETCH_MS = 15_000;

/** What may not be exceeded. Slopes are in MiB a minute and hold for the long form alone: in half a minute
 * everything still grows, and much of the code runs for the first time. A worker thread that is started when first needed takes a few
 * descriptors; one that leaked would take thousands. */
const BOUNDS = { rssSlope: 2, heapSlope: 0.5, rss: 350, loopP99: 5, shortLoopP99: 50, fds: 8, otherRss: 2, folder: 192 };

const ms = (value) => `${value.toFixed(2)} ms`;
const mib = (bytes) => (bytes / MIB).toFixed(1);

/**
 * What was measured, as lines, and which of it is out of bounds.
 * @returns {{ lines: string[], failures: string[] }}
 */
export const judgeFigures = ({ steady, server, isLong }) => {
  const { before, after, from, to, folder } = steady;
  const lines = [];
  const failures = [];
  const bound = (line, holds, isJudged = true) => {
    lines.push(`${line}${isJudged ? '' : ' (not judged in so short a run)'}`);
    if (isJudged && !holds) failures.push(line);
  };

  const since = from + (to - from) * SETTLING;
  const points = (key) => server.filter(({ at }) => at >= since && at <= to).map((facts) => [facts.at, facts[key]]);
  const rss = points('rss');
  const heap = lows(points('heapUsed'), HEAP_STRETCH_MS);
  const rssSlope = (slope(rss) * MINUTE_MS) / MIB;
  const heapSlope = (slope(heap) * MINUTE_MS) / MIB;
  const most = Math.max(...rss.map(([, bytes]) => bytes));
  bound(
    `RSS slope ${rssSlope.toFixed(2)} MiB/min over ${rss.length} samples (bound ${BOUNDS.rssSlope})`,
    rssSlope <= BOUNDS.rssSlope,
    isLong,
  );
  bound(
    `heap slope ${heapSlope.toFixed(2)} MiB/min over ${heap.length} lows (bound ${BOUNDS.heapSlope})`,
    heapSlope <= BOUNDS.heapSlope,
    isLong,
  );
  bound(`RSS at most ${mib(most)} MiB (bound ${BOUNDS.rss})`, most <= BOUNDS.rss * MIB);

  const loopBound = isLong ? BOUNDS.loopP99 : BOUNDS.shortLoopP99;
  const loop = server.find((facts) => facts.loop !== undefined)?.loop;
  if (loop === undefined) failures.push('the event loop was not measured');
  else
    bound(
      `event loop late by its own work: p50 ${ms(loop.own.p50)}, p99 ${ms(loop.own.p99)}, max ${ms(loop.own.max)} (bound: p99 ${loopBound} ms); ` +
        `with the time it waited for a processor: p99 ${ms(loop.late.p99)}, max ${ms(loop.late.max)}; ${loop.count} ticks`,
      loop.own.p99 <= loopBound,
    );

  const pair = (key) => `${before[key]} before, ${after[key]} after`;
  bound(`file descriptors of the server: ${pair('serverFds')} (bound +${BOUNDS.fds})`, after.serverFds - before.serverFds <= BOUNDS.fds);
  bound(`of launcher and supervisors: ${pair('otherFds')} (bound +${BOUNDS.fds})`, after.otherFds - before.otherFds <= BOUNDS.fds);
  bound(`processes: ${pair('processes')}`, after.processes <= before.processes);
  bound(`zombies: ${pair('zombies')}`, after.zombies === 0);
  if (after.processes > before.processes) failures.push(`there are: ${after.names.join(', ')}`);
  bound(
    `RSS of launcher and supervisors: ${mib(before.otherRss)} MiB before, ${mib(after.otherRss)} MiB after (bound +${BOUNDS.otherRss})`,
    after.otherRss - before.otherRss <= BOUNDS.otherRss * MIB,
  );
  const largest = Math.max(0, ...folder.map(([, bytes]) => bytes));
  bound(`state folder at most ${mib(largest)} MiB (bound ${BOUNDS.folder})`, largest <= BOUNDS.folder * MIB);
  return { lines, failures };
};
