// `npm run test:node24`: `npm test` on Node 24, fetched as a package for this one run. Nothing of it is installed or shipped.
import { run, say } from './lib/process.mjs';

const VERSION = '24.21.0';

const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}@${VERSION}`;
const code = await run(['npx', '-y', '-p', name, '--', 'node', 'scripts/test.mjs', ...process.argv.slice(2)]);
if (code === 127) say('npx is missing: it comes with npm');
process.exitCode = code;
