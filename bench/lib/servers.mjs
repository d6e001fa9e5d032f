import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Session } from './session.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const SERVER = join(ROOT, 'dist/corral.js');
const preload = (name) => ['--import', new URL(`../preload/${name}.mjs`, import.meta.url).href];

export const corralArgv = (preloads = []) => [process.execPath, ...preloads.flatMap(preload), SERVER];

/**
 * Corral over stdio, on a state folder of its own that goes with it. `preloads` are modules of bench/preload.
 * @param {{ preloads?: readonly string[], env?: Record<string, string> }} [options]
 */
export const startCorral = async ({ preloads = [], env = {} } = {}) => {
  const state = await mkdtemp(join(tmpdir(), 'corral-bench-'));
  const session = new Session({ argv: corralArgv(preloads), env: { CORRAL_STATE_DIR: state, ...env } });
  const stop = async () => {
    await session.stop();
    await rm(state, { recursive: true, force: true });
  };
  try {
    await session.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    session,
    get pid() {
      return session.pid;
    },
    /** Structured result of a tool. */
    call: async (tool, args) => (await session.call(tool, args)).structuredContent,
    stop,
  };
};

/** `echo` in Corral's live sandbox; throws unless its output came back. */
export const corralEcho = async (corral) => {
  const answer = await corral.call('execute_command', { command: 'echo hi' });
  if (answer.stdout?.text !== 'hi\n' || answer.outcome?.code !== 0) throw new Error(`echo hi gave ${JSON.stringify(answer)}`);
};
