import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capture } from '../../scripts/lib/process.mjs';
import { ROOT } from '../lib/servers.mjs';

const SOURCE = fileURLToPath(new URL('./floor.c', import.meta.url));

/** Compiles the floor; gives a function that measures `count` runs of a command in milliseconds, or why there is none. */
export const prepareFloor = async () => {
  const program = join(ROOT, 'build/bench/floor');
  await mkdir(join(ROOT, 'build/bench'), { recursive: true });
  const compiled = await capture(['cc', '-O2', '-Wall', '-o', program, SOURCE], { timeoutMs: 60_000 });
  if (compiled.code !== 0) return { reason: `the C floor could not be compiled: ${compiled.stderr.trim().split('\n')[0]}` };
  return {
    measure: async (count, argv) => {
      const { code, stdout } = await capture([program, String(count), ...argv], { timeoutMs: 60_000 });
      if (code !== 0) throw new Error(`the floor ended with ${code}`);
      return stdout
        .trim()
        .split('\n')
        .map((line) => Number(line) / 1e6);
    },
  };
};
