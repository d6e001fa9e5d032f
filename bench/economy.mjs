// `node bench/economy.mjs [--json]`: what answers cost beside what was printed, over what real tools printed (test/fixtures), alone and in the
// midst of repeating noise with lines planted into it that an agent needs. A token is taken for four bytes. Figures are in its output only.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { build } from 'esbuild';
import { ROOT } from '../scripts/lib/process.mjs';

const SOURCES = `
export { createOutput } from './src/core/output/output.ts';
export { condense, textOf } from './src/core/output/condense.ts';
export { fold } from './src/core/output/fold.ts';
export { viewExecution } from './src/core/executions/view.ts';
export { recordedTools, recordedProgress } from './test/support/recorded.ts';
export { plantedCorpus } from './test/support/planted.ts';
`;

const load = async () => {
  const folder = await mkdtemp(join(ROOT, 'build/economy-'));
  try {
    const shared = { bundle: true, format: 'esm', platform: 'node', target: 'node20', logLevel: 'warning', absWorkingDir: ROOT };
    const banner = { js: `import { createRequire as corralRequire } from 'node:module'; const require = corralRequire(import.meta.url);` };
    await build({
      ...shared,
      banner,
      stdin: { contents: SOURCES, resolveDir: ROOT, loader: 'ts' },
      outfile: join(folder, 'sources.mjs'),
      external: ['esbuild'],
    });
    await build({
      ...shared,
      banner,
      entryPoints: [join(ROOT, 'src/core/output/search-worker.ts')],
      outfile: join(folder, 'search-worker.js'),
    });
    return { sources: await import(join(folder, 'sources.mjs')), folder };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
};

const { sources, folder } = await load();
const { createOutput, viewExecution } = sources;

const kept = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
const output = createOutput({
  logs: {
    read: async (_, stream, offset, length) => Uint8Array.from(kept[stream].subarray(offset, offset + length)),
    size: async (_, stream) => kept[stream].length,
    path: async () => undefined,
  },
});

/** The answer as a client gets it, in bytes, with and without what this is about. */
const answer = async ({ stdout, stderr, command, code }, raw) => {
  kept.stdout = stdout;
  kept.stderr = stderr;
  const streams = { stdout: { newlines: undefined }, stderr: { newlines: undefined } };
  const record = {
    id: 'x1',
    sandbox: 's1',
    status: 'finished',
    title: command,
    outcome: { kind: 'exited', code },
    startedMs: 0,
    durationMs: 1,
    ...streams,
  };
  const look = { record, exit: undefined, stdoutBytes: stdout.length, stderrBytes: stderr.length };
  return JSON.stringify(await viewExecution(output.presenter, look, 32_768, {}, raw));
};

const rows = [];
const measure = async (group, one, planted = []) => {
  const raw = one.stdout.length + one.stderr.length;
  const plain = (await answer(one, true)).length;
  const text = await answer(one, false);
  const { stretches } = await sources.condense(Buffer.concat([one.stdout, one.stderr]));
  const lines = new Set(sources.textOf(stretches).split('\n'));
  const found = planted.filter((line) => lines.has(line)).length;
  rows.push({
    group,
    name: one.name,
    raw,
    plain,
    answer: text.length,
    summary: text.includes('"summary"'),
    planted: planted.length,
    kept: found,
  });
};

const empty = Buffer.alloc(0);
try {
  for (const one of sources.recordedTools(ROOT)) await measure('tools', one);
  for (const one of sources.recordedProgress(ROOT)) await measure('progress', one);
  for (const { name, text, planted } of sources.plantedCorpus(ROOT, 60_000))
    await measure('planted', { name, stdout: Buffer.from(text), stderr: empty, command: 'cat', code: 0 }, planted);
  // A long run of each test runner: what it printed of passing tests, many times.
  for (const one of sources.recordedTools(ROOT).filter(({ name }) => /verbose|gtest\/fail|ctest\/fail$/.test(name))) {
    const lines = one.stdout.toString().split('\n');
    const passes = lines.filter((line) => /pass|ok|✓/i.test(line) && !/\d+ (?:passed|passing)|^(?:PASS|ok )/.test(line));
    const many = [
      ...lines.slice(0, 4),
      ...Array.from({ length: Math.ceil(100_000 / (passes.join('\n').length + 1)) }, (_, turn) =>
        passes.map((line) => line.replace(/\d+/, (digits) => String(Number(digits) + turn * 100))),
      ).flat(),
      ...lines.slice(4),
    ];
    await measure('long runs', { ...one, stdout: Buffer.from(many.join('\n')) });
  }
  const big = Buffer.from(
    Array.from(
      { length: 160_000 },
      (_, index) => `\u001b[32mok\u001b[0m ${index} GET /item/${(index * 7919) % 10_000} took ${index % 90} ms\n`,
    ).join(''),
  );
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await answer({ stdout: big, stderr: empty, command: 'npm test', code: 0 }, false);
  delay.enable();
  for (let count = 0; count < 30; count += 1) await answer({ stdout: big, stderr: empty, command: 'npm test', code: 0 }, false);
  delay.disable();

  const sum = (list, of) => list.reduce((total, row) => total + of(row), 0);
  const tokens = (bytes) => Math.round(bytes / 4);
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else {
    const line = (cells) =>
      process.stdout.write(`${cells.map((cell, index) => (index < 2 ? String(cell).padEnd(26) : String(cell).padStart(13))).join('')}\n`);
    line(['group', 'output', 'raw tokens', 'answer raw', 'answer', 'of raw', 'planted', 'kept', 'summary']);
    for (const row of rows)
      line([
        row.group,
        row.name,
        tokens(row.raw),
        tokens(row.plain),
        tokens(row.answer),
        `${Math.round((100 * row.answer) / row.raw)}%`,
        row.planted,
        row.kept,
        row.summary ? 'yes' : '',
      ]);
    for (const group of new Set(rows.map((row) => row.group))) {
      const own = rows.filter((row) => row.group === group);
      const [raw, plain, shown] = [sum(own, (row) => row.raw), sum(own, (row) => row.plain), sum(own, (row) => row.answer)];
      line([
        `all ${group}`,
        `${own.length} outputs`,
        tokens(raw),
        tokens(plain),
        tokens(shown),
        `${Math.round((100 * shown) / raw)}%`,
        sum(own, (row) => row.planted),
        sum(own, (row) => row.kept),
        sum(own, (row) => (row.summary ? 1 : 0)),
      ]);
    }
    process.stdout.write(
      `event loop while 30 answers about ${(big.length / 1e6).toFixed(1)} MB each were made: p50 ${(delay.percentile(50) / 1e6).toFixed(1)} ms, p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, max ${(delay.max / 1e6).toFixed(1)} ms\n`,
    );
  }
} finally {
  await output[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}
