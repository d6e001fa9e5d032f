// Builds dist/: the supervisor and the server. `--force` builds anew, `--only supervisor|bundle` builds one half.
import { parseArgs } from 'node:util';
import { build } from './lib/build.mjs';
import { ensureDependencies } from './lib/dependencies.mjs';
import { ensureCompiler } from './lib/machine.mjs';
import { say } from './lib/process.mjs';

const { values } = parseArgs({ options: { force: { type: 'boolean' }, only: { type: 'string' } } });

try {
  if (values.only !== undefined && values.only !== 'supervisor' && values.only !== 'bundle')
    throw new Error(`--only takes "supervisor" or "bundle", not "${values.only}"`);
  if (values.only !== 'bundle') {
    const compiler = await ensureCompiler();
    if (!compiler.ok) throw new Error(compiler.reason);
  }
  if (values.only !== 'supervisor') await ensureDependencies();
  await build({ force: values.force ?? false, only: values.only });
} catch (error) {
  say(`build failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
