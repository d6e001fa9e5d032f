import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox, SandboxLimits, Termination } from '../../src/ports/sandbox.ts';
import { aCommand, ENV, type Listener, newId } from './sandboxes.ts';
import { livesOn, type Marked, markedProcesses } from './survivors.ts';

const SOURCE = join(import.meta.dirname, 'kill-lab.c');
const BUILT = join(import.meta.dirname, '..', '..', 'build', 'kill-lab');

/** A tree that is hard to end. */
export interface HardTree {
  readonly name: string;
  /** What it is, for the table. */
  readonly about: string;
  /** A program of kill-lab.c, or argv with MARK for the mark. */
  readonly argv?: readonly string[];
  /** How many processes stand at least, before anything is ended. */
  readonly least: number;
  /** The leader has ended by then; what it left is to be ended. */
  readonly leaderEnds?: boolean;
  /** Only where the driver limits processes. */
  readonly needsProcessLimit?: boolean;
  /** Not possible under the system call filter. */
  readonly needsTracing?: boolean;
  /** A process in this state must be among them, so that the cell is what its name says. */
  readonly state?: string;
}

const shell = (script: string): readonly string[] => ['bash', '-c', script, 'MARK'];

export const HARD_TREES: readonly HardTree[] = [
  {
    name: 'shell',
    about: 'a shell with children in background and foreground',
    argv: shell('sleep 300 & sleep 301 & (sleep 302; true) & echo ready; sleep 303; true'),
    least: 5,
  },
  { name: 'children', about: 'a program with three children', least: 4 },
  { name: 'double-fork', about: 'a daemon that nobody waits for', least: 2 },
  { name: 'setsid', about: 'a daemon in a session of its own', least: 2 },
  {
    name: 'nohup',
    about: 'nohup and disown',
    argv: shell('nohup sleep 300 >/dev/null 2>&1 & disown; echo ready; exec sleep 301'),
    least: 2,
  },
  { name: 'pipe-holder', about: 'the leader ended; a daemon holds its output', least: 1, leaderEnds: true },
  { name: 'ignorer', about: 'ignores every signal that can be ignored, with children', least: 4 },
  { name: 'blocks-all', about: 'blocks every signal that can be blocked, with children', least: 4 },
  { name: 'stopped', about: 'all stopped (SIGSTOP)', least: 3, state: 'T' },
  {
    name: 'uninterruptible',
    about: 'parent of a vfork whose child stays: in state D, where only a fatal signal reaches it',
    least: 3,
    state: 'D',
  },
  { name: 'traced', about: 'a stop under ptrace, and its tracer', least: 2, needsTracing: true, state: 't' },
  { name: 'zombie-parent', about: 'waits for none of its twenty ended children', least: 2 },
  { name: 'threads', about: 'its first thread ended, eight go on', least: 1 },
  { name: 'renamed', about: 'calls itself a thread of the kernel, without arguments', least: 2 },
  { name: 'many', about: 'two hundred children, half of them ignoring signals', least: 201 },
  { name: 'phoenix', about: 'two that make each other anew', least: 2 },
  { name: 'bomb', about: 'forks for ever, 120 at once by its own bound', least: 20 },
  {
    name: 'fork bomb',
    about: 'a shell that forks for ever, under the limit on processes',
    argv: shell('echo ready; b() { b MARK | b MARK & }; b; sleep 300'),
    least: 10,
    needsProcessLimit: true,
  },
];

/** The built program; made anew when its source is newer. */
export const killLab = (): string => {
  if (existsSync(BUILT) && statSync(BUILT).mtimeMs > statSync(SOURCE).mtimeMs) return BUILT;
  mkdirSync(join(BUILT, '..'), { recursive: true });
  const aside = `${BUILT}.${String(process.pid)}`;
  execFileSync('cc', ['-static', '-O1', '-Wall', '-Wextra', '-pthread', '-o', aside, SOURCE], { stdio: 'pipe', timeout: 60_000 });
  renameSync(aside, BUILT);
  return BUILT;
};

/** Puts the program where a sandbox can execute it; its path there. */
export const installKillLab = (folder: string): string => {
  const path = join(folder, 'kill-lab');
  copyFileSync(killLab(), path);
  return path;
};

export interface Cell {
  readonly tree: string;
  readonly graceMs: number;
  /** Processes that stood before. */
  readonly stood: number;
  /** From the call to the moment at which a look from outside found nobody, less the grace. */
  readonly overMs: number;
  /** How late a timer of 5 ms came meanwhile, at worst: more than a few ms and the machine is overloaded. */
  readonly lateMs: number;
  readonly survivors: readonly Marked[];
  /** What the sandbox itself said. */
  readonly told: readonly string[];
}

/** How late timers come until it is asked. */
const measureLateness = (): (() => number) => {
  const EVERY_MS = 5;
  let worst = 0;
  let before = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - before - EVERY_MS);
    before = now;
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    return Math.max(worst, performance.now() - before - EVERY_MS);
  };
};

const stand = async (tree: HardTree, mark: string, isOver: () => boolean): Promise<readonly Marked[]> => {
  const until = performance.now() + 10_000;
  for (;;) {
    const found = markedProcesses(mark);
    if (found.length >= tree.least && (tree.state === undefined || found.some(({ state }) => state === tree.state))) return found;
    // A bomb may be ended by its limit before anybody ends it.
    if (tree.needsProcessLimit === true && isOver()) return found;
    if (performance.now() > until)
      throw new Error(`${tree.name}: stood with ${String(found.length)} processes in states ${found.map(({ state }) => state).join('')}`);
    await sleep(10);
  }
};

export interface Ending {
  readonly sandbox: Sandbox;
  readonly listener: Listener;
  readonly lab: string;
  readonly cwd: string;
  readonly tree: HardTree;
  readonly graceMs: number;
  readonly limits?: SandboxLimits;
  /** Instead of the sandbox's own way, so that the look from outside can be tried on one that does not do. */
  readonly end?: (execution: string) => Promise<Termination>;
}

/** Lets a tree stand, ends it, and looks from outside who is left. */
export const endTree = async ({ sandbox, listener, lab, cwd, tree, graceMs, limits = {}, ...other }: Ending): Promise<Cell> => {
  const mark = `hard${newId()}`;
  const argv = tree.argv?.map((word) => word.replaceAll('MARK', mark)) ?? [lab, tree.name, mark];
  const { execution, ...command } = aCommand(argv, cwd, { env: { ...ENV, CORRAL_MARK: mark }, limits });
  await sandbox.start({ execution, ...command });
  if (tree.leaderEnds === true) await listener.exit(execution);
  const before = await stand(tree, mark, () => listener.exits.has(execution));
  const lateness = measureLateness();
  const began = performance.now();
  const { survivors: told } = await (other.end?.(execution) ?? sandbox.terminate(execution, { graceMs, cause: 'cancelled' }));
  const survivors = [...markedProcesses(mark), ...before.filter(livesOn)];
  const overMs = performance.now() - began - graceMs;
  const lateMs = lateness();
  for (const { pid } of survivors) killQuietly(pid);
  return { tree: tree.name, graceMs, stood: before.length, overMs, lateMs, survivors, told };
};

const killQuietly = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself since the look.
  }
};
