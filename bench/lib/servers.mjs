import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Session } from './session.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const SERVER = join(ROOT, 'dist/corral.js');
const preload = (name) => ['--import', new URL(`../preload/${name}.mjs`, import.meta.url).href];

/** @param {readonly string[]} [preloads] modules of bench/preload */
export const corralArgv = (preloads = []) => [process.execPath, ...preloads.flatMap(preload), SERVER];

/** Beneath build/, not in the system's folder for temporary files: ext4 makes a file slowly where many were deleted just before. */
const STATES = join(ROOT, 'build/bench', `state-${process.pid}`);

/** Removes the state folders of all servers that were started. Once, at the end: see above. */
export const removeStates = () => rm(STATES, { recursive: true, force: true });

/**
 * Corral over stdio, on a state folder of its own. `preloads` are modules of bench/preload.
 * @param {{ preloads?: readonly string[], env?: Record<string, string> }} [options]
 */
export const startCorral = async ({ preloads = [], env = {} } = {}) => {
  await mkdir(STATES, { recursive: true });
  const state = await mkdtemp(join(STATES, 's-'));
  const session = new Session({ argv: corralArgv(preloads), env: { CORRAL_STATE_DIR: state, ...env } });
  try {
    await session.start();
  } catch (error) {
    await session.stop();
    throw error;
  }
  return {
    session,
    get pid() {
      return session.pid;
    },
    /** Structured result of a tool. */
    call: async (tool, args) => (await session.call(tool, args)).structuredContent,
    stop: () => session.stop(),
  };
};

/** `echo` in Corral's live sandbox; throws unless its output came back. */
export const corralEcho = async (corral) => {
  const answer = await corral.call('execute_command', { command: 'echo hi' });
  if (answer.stdout?.text !== 'hi\n' || answer.outcome?.code !== 0) throw new Error(`echo hi gave ${JSON.stringify(answer)}`);
};
