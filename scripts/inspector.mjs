// The official inspector as a client: tools/list (its schemas checked for portability) and one tools/call, over stdio and HTTP and for every
// era that a client may speak.
//   node scripts/inspector.mjs [--stdio "COMMAND"] [--http "COMMAND with PORT"] [--tool NAME --args '{"k":"v"}']
// Without flags: the faces over small operations of the tests. Ends with 1 when a combination fails.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { capture, ROOT, say } from './lib/process.mjs';
import { bundleProgram, fetchReferees, startServer } from './lib/referee.mjs';

const CALL_TIMEOUT_MS = 30_000;

const COMBINATIONS = [
  { transport: 'stdio', era: 'legacy' },
  { transport: 'stdio', era: 'auto' },
  { transport: 'stdio', era: 'modern' },
  { transport: 'http', era: 'legacy' },
  { transport: 'http', era: 'modern' },
];

const words = (command) => command.trim().split(/\s+/);

/** One method through the inspector; an error in words when it does not come back well. */
const inspect = async (referees, target, era, args) => {
  const catalog = join(ROOT, 'build/inspector/catalog.json');
  // Behind `--`, so that the server's own flags stay the server's.
  const argv = [referees.node, referees.inspector, '--cli', '--protocol-era', era, '--format', 'json', '-q', ...args, '--', ...target];
  const { code, stdout, stderr } = await capture(argv, { timeoutMs: CALL_TIMEOUT_MS, env: { MCP_CATALOG_PATH: catalog } });
  if (code !== 0) throw new Error(`exit code ${code}: ${`${stdout}${stderr}`.trim().slice(-600)}`);
  return JSON.parse(stdout);
};

const check = async (referees, target, era, { tool, args }) => {
  const list = await inspect(referees, target, era, ['--method', 'tools/list', '--strict']);
  const tools = list.tools ?? list.result?.tools;
  if (!Array.isArray(tools) || tools.length === 0) throw new Error('tools/list is empty');
  const pairs = Object.entries(args).flatMap(([key, value]) => [
    '--tool-arg',
    `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  ]);
  const called = await inspect(referees, target, era, ['--method', 'tools/call', '--tool-name', tool, ...pairs]);
  const result = called.result ?? called;
  if (result.isError || result.structuredContent === undefined) throw new Error(`${tool} answered ${JSON.stringify(result).slice(0, 300)}`);
  return tools.length;
};

const main = async () => {
  const { values } = parseArgs({
    options: { stdio: { type: 'string' }, http: { type: 'string' }, tool: { type: 'string' }, args: { type: 'string', default: '{}' } },
  });
  const own = values.stdio === undefined && values.http === undefined;
  if (!own && values.tool === undefined) throw new Error('--tool NAME is needed to call something of that server');
  const call = values.tool === undefined ? { tool: 'echo', args: { text: 'hello' } } : { tool: values.tool, args: JSON.parse(values.args) };
  const stdio = own
    ? [process.execPath, await bundleProgram('test/faces/mcp/support/stdio-server.ts', 'stdio-server')]
    : values.stdio && words(values.stdio);
  const http = own
    ? [process.execPath, await bundleProgram('test/conformance/server.ts', 'conformance-server'), '--bare', '--port', 'PORT']
    : values.http && words(values.http);

  const referees = await fetchReferees();
  await rm(join(ROOT, 'build/inspector'), { recursive: true, force: true });
  await mkdir(join(ROOT, 'build/inspector'), { recursive: true });
  const server = http ? await startServer(http) : undefined;
  let failures = 0;
  try {
    for (const { transport, era } of COMBINATIONS) {
      const target = transport === 'stdio' ? stdio : server && [server.url];
      if (!target) continue;
      try {
        process.stdout.write(`inspector ${transport} ${era}: ok, ${await check(referees, target, era, call)} tools\n`);
      } catch (error) {
        failures += 1;
        process.stdout.write(`inspector ${transport} ${era}: ${error instanceof Error ? error.message : error}\n`);
      }
    }
  } finally {
    await server?.stop();
  }
  return failures === 0;
};

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  say(`inspector failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
