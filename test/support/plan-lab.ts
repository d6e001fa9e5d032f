import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBubblewrapDriver } from '../../src/drivers/sandbox/bubblewrap/driver.ts';
import { createSupervisorLauncher } from '../../src/drivers/sandbox/supervisor/launcher.ts';
import { planSteps, type PlanPlace } from '../../src/core/policy/execute-plan.ts';
import type { PlanStep, ShellPlan } from '../../src/core/policy/shell/plan.ts';
import type { Sandbox, SandboxCommand } from '../../src/ports/sandbox.ts';
import { UNPRIVILEGED } from './run-bubblewrap.ts';
import { aCommand, aSpec, createListener, ENV, runToEnd, temporaryState, text, type Listener } from './sandboxes.ts';
import { supervisorPath } from './supervisor.ts';

/** Programs of plan-lab.c; none has the name of something that a shell does by itself. */
export const STUBS = ['say', 'copy', 'count', 'up', 'first', 'ok', 'no', 'seven', 'boom', 'both', 'flood'] as const;

/** What one text came to. */
export interface Trace {
  /** 128 + n for a signal. */
  readonly status: number;
  readonly stdout: string;
  /** Only what the stubs complained of, wherever in a line: shells word their messages differently, and stages write at once. */
  readonly stderr: readonly string[];
  /** Folder, LC_ALL and argv of each program that was started; of a pipeline in no order, so sorted. */
  readonly started: readonly string[];
  readonly files: readonly string[];
}

export interface Pair {
  readonly text: string;
  readonly shell: Trace;
  readonly ours: Trace;
}

export interface PlanLab extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly listener: Listener;
  readonly workspace: string;
  /** The folder of the stubs. */
  readonly bin: string;
  run(
    argv: readonly string[],
    change?: Partial<SandboxCommand>,
  ): Promise<{ readonly code: number | undefined; readonly stdout: string; readonly stderr: string }>;
  /** Runs each text by bash and by the runner, one after the other, each in a fresh folder. */
  compare(texts: readonly { readonly text: string; readonly plan: ShellPlan }[], name: string): Promise<readonly Pair[]>;
}

/** So that each batch ends within the sandbox's lease, which a start renews. */
const BATCH = 500;

/** As the decision does it: the trusted path of each program, and none for what is not there. */
export const withPaths = (plan: ShellPlan, pathOf: (name: string) => string | undefined): ShellPlan => ({
  ...plan,
  steps: plan.steps.map((step): PlanStep => {
    const stages = step.stages.map((stage) => {
      if (stage.kind === 'cd') return stage;
      const [name] = stage.argv[0] ?? [];
      const path = name !== undefined && 'literal' in name ? pathOf(name.literal) : undefined;
      return path === undefined ? stage : { ...stage, path };
    });
    return { ...step, stages: stages as unknown as PlanStep['stages'] };
  }),
});

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

const encodeJob = (argv: readonly string[]): Buffer =>
  Buffer.concat([u32(argv.length), ...argv.flatMap((word) => [u32(Buffer.byteLength(word)), Buffer.from(word)])]);

const reader = (bytes: Buffer) => {
  let at = 0;
  const number = (): number => bytes.readInt32LE((at += 4) - 4);
  const string = (): Buffer => {
    const length = number();
    at += length;
    return bytes.subarray(at - length, at);
  };
  return { number, string, atEnd: () => at >= bytes.length };
};

const readStarts = (log: Buffer): string[] => {
  const fields = log.toString('latin1').split('\0');
  const starts: string[] = [];
  for (let at = 0; at + 1 < fields.length;) {
    const argc = Number(fields[at]);
    starts.push(JSON.stringify(fields.slice(at + 1, at + 3 + argc)));
    at += 3 + argc;
  }
  return starts.toSorted();
};

/** A complaint that was redirected names who complains. */
const anonymous = (output: Buffer): string => output.toString('latin1').replace(/^(?:\/bin\/bash: line \d+|corral): /gm, 'shell: ');

const readTree = (bytes: Buffer): string[] => {
  const from = reader(bytes);
  const files: string[] = [];
  while (!from.atEnd()) files.push(`${from.string().toString('latin1')}: ${anonymous(from.string())}`);
  return files.toSorted();
};

const readTraces = (bytes: Buffer): Trace[] => {
  const from = reader(bytes);
  const traces: Trace[] = [];
  while (!from.atEnd())
    traces.push({
      status: from.number(),
      stdout: anonymous(from.string()),
      stderr:
        from
          .string()
          .toString('latin1')
          .match(/stub: \w+/g) ?? [],
      started: readStarts(from.string()),
      files: readTree(from.string()),
    });
  return traces;
};

const WORK = '/tmp/work';

/** A real sandbox with stub programs. */
export const openPlanLab = async (): Promise<PlanLab> => {
  const state = temporaryState();
  const { workspace } = state;
  const bin = join(workspace, 'bin');
  mkdirSync(bin, { mode: 0o755 });
  execFileSync('cc', ['-static', '-O1', '-Wall', '-Wextra', '-o', join(bin, 'lab'), join(import.meta.dirname, 'plan-lab.c')], {
    stdio: 'pipe',
    timeout: 60_000,
  });
  chmodSync(join(bin, 'lab'), 0o755);
  for (const name of STUBS) symlinkSync('lab', join(bin, name));
  const launcher = createSupervisorLauncher({ supervisorPath: supervisorPath() });
  const driver = createBubblewrapDriver({ launcher, supervisorPath: supervisorPath() });
  const sandbox = await driver.create(aSpec(state, process.getuid?.() === 0 ? { uid: UNPRIVILEGED } : {}));
  const listener = createListener(sandbox);

  const run: PlanLab['run'] = async (argv, change = {}) => {
    const { outcome, inline } = await runToEnd(sandbox, listener, aCommand(argv, workspace, { wallMs: 300_000, ...change }));
    return { code: outcome.code, stdout: text(inline?.stdout), stderr: text(inline?.stderr) };
  };

  const compareBatch: PlanLab['compare'] = async (texts, name) => {
    const work = `${WORK}-${name}`;
    const place: PlanPlace = { roots: [work], home: `${work}/1/2/3/4/home` };
    const known: ReadonlySet<string> = new Set(STUBS);
    const pathOf = (program: string): string | undefined => (known.has(program) ? join(bin, program) : undefined);
    const [jobs, results] = [join(workspace, `${name}.jobs`), join(workspace, `${name}.results`)];
    const encoded = texts.flatMap(({ text: shell, plan }) => [
      // -P: `cd ..` goes to the real parent of the real folder, as the policy has it.
      encodeJob(['/bin/bash', '-P', '-c', shell]),
      encodeJob(planSteps(withPaths(plan, pathOf), sandbox.planRunner ?? '', place)[0] ?? []),
    ]);
    writeFileSync(jobs, Buffer.concat(encoded));
    const command = aCommand(
      [join(bin, 'lab'), jobs, results, work, `${work}.log`, `${work}.out`, `${work}.err`, `${work}.in`],
      workspace,
      {
        wallMs: 900_000,
        env: { ...ENV, PATH: bin, HOME: place.home },
      },
    );
    await sandbox.start(command);
    const { outcome, inline } = await listener.exit(command.execution, 900_000);
    if (outcome.code !== 0) throw new Error(`the lab failed: ${JSON.stringify(outcome)} ${text(inline?.stderr)}`);
    const traces = readTraces(readFileSync(results));
    rmSync(results);
    if (traces.length !== 2 * texts.length) throw new Error(`${String(traces.length)} traces of ${String(texts.length)} texts`);
    return texts.map(({ text: shell }, index) => ({ text: shell, shell: traces[2 * index]!, ours: traces[2 * index + 1]! }));
  };

  const compare: PlanLab['compare'] = async (texts, name) => {
    const pairs: Pair[] = [];
    for (let at = 0; at < texts.length; at += BATCH) pairs.push(...(await compareBatch(texts.slice(at, at + BATCH), name)));
    return pairs;
  };

  return {
    sandbox,
    listener,
    workspace,
    bin,
    run,
    compare,
    [Symbol.asyncDispose]: async () => {
      await sandbox.end(0);
      await sandbox[Symbol.asyncDispose]();
      await launcher[Symbol.asyncDispose]();
      state[Symbol.dispose]();
    },
  };
};
