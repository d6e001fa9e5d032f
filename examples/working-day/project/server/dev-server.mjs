// A dev server as they are: it logs, it starts helpers, one of which leaves its process group.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';

const port = Number(process.argv[2]);
const orders = readFileSync(new URL('../orders.csv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .slice(1);

spawn('sleep', ['1000'], { stdio: 'ignore' });
spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });

let served = 0;
const server = createServer((request, response) => {
  served += 1;
  const id = /^\/orders\/(\d+)$/.exec(request.url ?? '')?.[1];
  const row = id === undefined ? undefined : orders[Number(id) - 1];
  const status = row === undefined ? 404 : 200;
  console.log(`${request.method} ${request.url} -> ${status} (request ${served})`);
  if (status === 404) console.error(`warning: nothing at ${request.url}`);
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify(row === undefined ? { error: 'not found' } : { row }));
});
server.listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}, ${orders.length} orders`));
