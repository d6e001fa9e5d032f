import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { capture, ROOT, say } from './process.mjs';

/** Programs that judge the MCP face. Fetched into build/ for the run: no part of the project, and they need a newer Node than it does. */
const PACKAGES = {
  [`node-${process.platform}-${process.arch}`]: '24.21.0',
  '@modelcontextprotocol/conformance': '0.2.0-alpha.12',
  '@modelcontextprotocol/inspector': '2.12.0',
};

const FOLDER = join(ROOT, 'build/referee');

const INSTALL_TIMEOUT_MS = 300_000;
const START_TIMEOUT_MS = 20_000;

const packageFile = (name, file) => join(FOLDER, 'node_modules', name, file);

const isInstalled = async ([name, version]) => {
  try {
    return JSON.parse(await readFile(packageFile(name, 'package.json'), 'utf8')).version === version;
  } catch {
    return false; // absent or torn: install again
  }
};

/**
 * Makes the referees available and tells where they are. Throws when they cannot be fetched.
 * @returns {Promise<{ node: string, conformance: string, inspector: string }>}
 */
export const fetchReferees = async () => {
  const wanted = Object.entries(PACKAGES);
  const present = await Promise.all(wanted.map(isInstalled));
  if (present.includes(false)) {
    say('fetching the conformance suite, the inspector and a Node for them');
    await mkdir(FOLDER, { recursive: true });
    const names = wanted.map(([name, version]) => `${name}@${version}`);
    const argv = [
      'npm',
      'install',
      '--prefix',
      FOLDER,
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--loglevel',
      'error',
      ...names,
    ];
    const { code, stderr } = await capture(argv, { timeoutMs: INSTALL_TIMEOUT_MS });
    if (code !== 0) throw new Error(`npm install ended with ${code}: ${stderr.trim().split('\n').at(-1)}`);
  }
  return {
    node: packageFile(`node-${process.platform}-${process.arch}`, 'bin/node'),
    conformance: packageFile('@modelcontextprotocol/conformance', 'dist/index.js'),
    inspector: packageFile('@modelcontextprotocol/inspector', 'clients/launcher/build/index.js'),
  };
};

/**
 * A TypeScript program of the tests as one file that node runs.
 * @param {string} source relative to the project
 * @param {string} name of the result
 * @returns {Promise<string>}
 */
export const bundleProgram = async (source, name) => {
  const outfile = join(ROOT, 'build/programs', `${name}.mjs`);
  await build({
    absWorkingDir: ROOT,
    entryPoints: [source],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
    banner: { js: `import { createRequire as corralRequire } from 'node:module'; const require = corralRequire(import.meta.url);` },
  });
  return outfile;
};

/** A port that was free a moment ago. @returns {Promise<number>} */
export const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });

/**
 * Starts an HTTP server and waits until its /health answers. The word PORT in an argument stands for the port it is to listen on.
 * @param {readonly string[]} argv
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export const startServer = async (argv) => {
  const port = await freePort();
  const [program, ...args] = argv.map((word) => word.replaceAll('PORT', String(port)));
  const child = spawn(program, args, { cwd: ROOT, stdio: ['pipe', 'ignore', 'pipe'] });
  const lines = [];
  createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
  const ended = new Promise((resolve) => {
    child.once('error', (error) => {
      lines.push(error.message);
      resolve(undefined);
    });
    child.once('close', resolve);
  });
  let over = false;
  void ended.then(() => (over = true));
  const stop = async () => {
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(force);
  };
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await isHealthy(port))) {
    if (over || performance.now() > deadline) {
      await stop();
      throw new Error(`the server did not start: ${argv.join(' ')}\n${lines.slice(-10).join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url: `http://127.0.0.1:${port}/mcp`, stop };
};

const isHealthy = async (port) => {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health`)).ok;
  } catch {
    return false; // not listening yet
  }
};
