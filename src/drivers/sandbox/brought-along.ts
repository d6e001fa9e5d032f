import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Mount } from '../../ports/sandbox.ts';

const INSIDE = '/opt/corral/bin';

/** Folder with the program that Corral brings along, so that TypeScript runs everywhere: esbuild. Undefined when it is not installed. */
export const findBroughtAlong = (): string | undefined => {
  try {
    const manifest = createRequire(import.meta.url).resolve(`@esbuild/${process.platform}-${process.arch}/package.json`);
    const folder = join(dirname(manifest), 'bin');
    return existsSync(join(folder, 'esbuild')) ? folder : undefined;
  } catch {
    return undefined; // an optional package of another platform
  }
};

/** Toolchains of the machine, and after them what Corral brings along. */
export const withBroughtAlong = <T extends { readonly mounts: readonly Mount[] }>(
  found: T,
  folder: string | undefined,
): T & { readonly fallbackPath: readonly string[] } =>
  folder === undefined
    ? { ...found, fallbackPath: [] }
    : { ...found, mounts: [...found.mounts, { source: folder, target: INSIDE, mode: 'ro' }], fallbackPath: [INSIDE] };
