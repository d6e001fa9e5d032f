// Installs what is missing (dependencies, compiler, bubblewrap) and builds. Does nothing when all is there.
import { say } from './lib/process.mjs';
import { setUpAndBuild } from './lib/setup.mjs';

try {
  await setUpAndBuild();
  say('ready');
} catch (error) {
  say(`set-up failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
