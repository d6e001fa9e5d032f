import { build } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { ensureBubblewrap, ensureCompiler } from './machine.mjs';
import { say } from './process.mjs';

/**
 * Everything a fresh clone lacks: dependencies, a C compiler, bubblewrap. What cannot be had here is said, and left to whoever needs it to
 * refuse: the server names the driver it lacks, the build names the compiler. Throws when the dependencies cannot be installed.
 */
export const setUp = async () => {
  await ensureDependencies();
  for (const ready of [await ensureCompiler(), await ensureBubblewrap()]) if (!ready.ok) say(ready.reason);
};

export const setUpAndBuild = async () => {
  await setUp();
  await build();
};
