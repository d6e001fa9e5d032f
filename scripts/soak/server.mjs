import { Session } from '../../bench/lib/session.mjs';
import { ROOT } from '../../bench/lib/servers.mjs';

const PRELOAD = new URL('./vitals-preload.mjs', import.meta.url).href;

/** What a tool refused, with its code. */
export class Refused extends Error {
  constructor(tool, error) {
    super(`${tool} was refused: ${error?.code}: ${error?.message}`);
    this.code = error?.code;
  }
}

/**
 * The built server over stdio, spoken to by a client that costs next to nothing.
 * @param {string} stateDir
 * @param {Record<string, string>} env
 * @param {string} [vitals] file for what the server tells of itself
 */
export const startServer = async (stateDir, env, vitals) => {
  const preload = vitals === undefined ? [] : ['--import', PRELOAD];
  const session = new Session({
    argv: [process.execPath, ...preload, `${ROOT}/dist/corral.js`],
    env: { CORRAL_STATE_DIR: stateDir, CORRAL_LOG_LEVEL: 'error', ...env, ...(vitals !== undefined && { SOAK_VITALS: vitals }) },
  });
  await session.start();
  return {
    session,
    /**
     * @param {string} tool
     * @param {object} args
     * @param {AbortSignal} [signal]
     * @returns {Promise<any>}
     */
    call: async (tool, args, signal) => {
      const { structuredContent, isError } = await session.request('tools/call', { name: tool, arguments: args }, signal);
      if (isError) throw new Refused(tool, structuredContent?.error);
      return structuredContent;
    },
  };
};
