// A client that is killed in the middle of a call: starts the server it is given, calls a tool, prints the server's pid when the call is sent.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const [server, workspace, command] = process.argv.slice(2);
const child = spawn(process.execPath, [server, workspace], { stdio: ['pipe', 'pipe', 'ignore'] });
const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
createInterface({ input: child.stdout }).on('line', (line) => {
  if (JSON.parse(line).id !== 1) return;
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/call', params: { name: 'execute_command', arguments: { command } } });
  process.stdout.write(`${child.pid}\n`);
});
send({
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'vanishing', version: '0' } },
});
