/** A real program, and what is to be seen of it. */
export interface WaitingProgram {
  readonly name: string;
  readonly argv: readonly string[];
  readonly pty?: true;
  /** It turns the echo off. */
  readonly hidden?: true;
  /** The name of the process that waits. */
  readonly who: RegExp;
  /** Programs in /usr/bin without which it cannot run. */
  readonly needs?: readonly string[];
  /** It prints nothing when it is ready. */
  readonly quiet?: true;
}

const sh = (script: string): string[] => ['sh', '-c', script];
const bash = (script: string): string[] => ['bash', '-c', script];
const python = (script: string): string[] => ['/usr/bin/python3', '-c', script];
const node = (script: string): string[] => ['node', '-e', script];
const PYTHON = ['python3'];
const NODE = ['node'];

const ASYNC_READ = `
import asyncio, sys
async def main():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.readline()
asyncio.run(main())`;

export const WAITING: readonly WaitingProgram[] = [
  { name: 'cat', argv: ['cat'], who: /^cat$/ },
  { name: 'cat, on a terminal', argv: ['cat'], pty: true, who: /^cat$/ },
  { name: 'the first of a pipeline', argv: sh('cat | sort'), who: /^cat$/ },
  { name: 'one of two processes', argv: sh('sleep 60 & exec cat'), who: /^cat$/ },
  { name: 'bash read', argv: bash('read x'), who: /^bash$/ },
  { name: 'bash read -p, on a terminal', argv: bash('read -p "Name: " x'), pty: true, who: /^bash$/ },
  { name: 'bash read -s, on a terminal', argv: bash('read -s -p "Secret: " x'), pty: true, hidden: true, who: /^bash$/ },
  { name: 'bash, interactive', argv: ['bash', '--norc', '-i'], pty: true, who: /^bash$/ },
  { name: 'sh, interactive', argv: ['sh', '-i'], pty: true, who: /^(ba|da)?sh$/ },
  {
    name: 'a password asked on /dev/tty',
    argv: sh('echo x | sh -c "stty -echo </dev/tty; read p </dev/tty"'),
    pty: true,
    hidden: true,
    who: /^(ba|da)?sh$/,
  },
  { name: 'perl <STDIN>', argv: ['perl', '-e', '<STDIN>'], who: /^perl$/ },
  { name: 'python3 input()', argv: python('input("? ")'), who: /^python3/, needs: PYTHON },
  {
    name: 'python3 input() in a thread',
    argv: python('import threading; threading.Thread(target=input).start()'),
    who: /^python3/,
    needs: PYTHON,
  },
  { name: 'python3 getpass', argv: python('import getpass; getpass.getpass()'), pty: true, hidden: true, who: /^python3/, needs: PYTHON },
  { name: 'python3, interactive', argv: ['/usr/bin/python3', '-q'], pty: true, who: /^python3/, needs: PYTHON },
  { name: 'python3 asyncio, on a pipe', argv: python(ASYNC_READ), who: /^python3/, needs: PYTHON },
  { name: 'python3 asyncio, on a terminal', argv: python(ASYNC_READ), pty: true, who: /^python3/, needs: PYTHON },
  { name: 'node, interactive', argv: ['node'], pty: true, who: /^node$/, needs: NODE },
  {
    name: 'node readline, on a pipe',
    argv: node('require("readline").createInterface({input:process.stdin}).question("? ",()=>{})'),
    who: /^node$/,
    needs: NODE,
  },
  { name: 'npm init', argv: ['npm', 'init'], pty: true, who: /^(npm|node)/, needs: ['node', 'npm'] },
  { name: 'less', argv: ['less', 'text'], pty: true, who: /^less$/, needs: ['less'] },
  { name: 'less, of a pipe', argv: sh('cat text | less'), pty: true, who: /^less$/, needs: ['less'] },
  { name: 'vim', argv: ['vim', '-u', 'NONE', 'text'], pty: true, who: /^vim/, needs: ['vim'] },
  { name: 'gdb', argv: ['gdb', '-q', '-nx'], pty: true, who: /^gdb$/, needs: ['gdb'] },
  { name: 'sqlite3', argv: ['sqlite3'], pty: true, who: /^sqlite3$/, needs: ['sqlite3'] },
];

const never = (name: string, argv: readonly string[], rest: Partial<WaitingProgram> = {}): WaitingProgram => ({
  name,
  argv,
  who: /^$/,
  ...rest,
});

const SERVER = 'import http.server, threading; s = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)';

export const NEVER_WAITING: readonly WaitingProgram[] = [
  never('sleep', ['sleep', '60'], { quiet: true }),
  never('sleep, on a terminal', ['sleep', '60'], { quiet: true, pty: true }),
  never('a loop', sh('echo up; while :; do :; done')),
  never('wait', bash('sleep 60 & echo up; wait')),
  never('a read of another pipe', sh('echo up; sleep 60 | cat')),
  never('a read of a fifo', sh('mkfifo fifo; echo up; exec cat fifo')),
  never('tail -f', ['tail', '-f', 'text'], {}),
  never('tail -f, on a terminal', ['tail', '-f', 'text'], { pty: true }),
  never('less +F', ['less', '+F', 'text'], { pty: true, needs: ['less'] }),
  never('top', ['top'], { pty: true, needs: ['top'] }),
  never(
    'a select in the background of a terminal',
    ['bash', '--norc', '-ic', `/usr/bin/python3 -c 'import select; select.select([0], [], [])' & echo up; sleep 60`],
    { pty: true, needs: PYTHON },
  ),
  never('a read in the background of a terminal', ['bash', '--norc', '-ic', 'cat & echo up; sleep 60'], { pty: true }),
  never('accept', python('import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print("up", flush=True); s.accept()'), {
    needs: PYTHON,
  }),
  never('a read of a socket', python('import socket; a, b = socket.socketpair(); print("up", flush=True); a.recv(1)'), { needs: PYTHON }),
  never(
    'a loop that polls the terminal',
    python('import select, sys; print("up", flush=True)\nwhile 1: select.select([sys.stdin], [], [], .2)'),
    { pty: true, needs: PYTHON },
  ),
  never(
    'a server that also reads the terminal',
    python(`${SERVER}; threading.Thread(target=s.serve_forever).start(); print("up", flush=True); input()`),
    { pty: true, needs: PYTHON },
  ),
  never('node http', node('require("http").createServer(()=>{}).listen(0,"127.0.0.1",()=>console.log("up"))'), { pty: true, needs: NODE }),
  never(
    'node http, keys on the terminal',
    node('require("http").createServer(()=>{}).listen(0,"127.0.0.1",()=>console.log("up")); process.stdin.resume()'),
    { pty: true, needs: NODE },
  ),
  never('node watching files, keys on the terminal', node('require("fs").watch(".",()=>{}); process.stdin.resume(); console.log("up")'), {
    pty: true,
    needs: NODE,
  }),
  never(
    'node with a child, keys on the terminal',
    node('require("child_process").spawn("sleep",["60"]); process.stdin.resume(); console.log("up")'),
    { pty: true, needs: NODE },
  ),
  never('node with a timer, keys on the terminal', node('setInterval(()=>{},300); process.stdin.resume(); console.log("up")'), {
    pty: true,
    needs: NODE,
  }),
];
