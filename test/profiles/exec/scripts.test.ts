import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExecServer, type Ground, openGround } from './support/server.ts';

let ground: Ground;
let server: ExecServer;
beforeAll(async () => {
  ground = await openGround();
  server = await ground.open();
}, 120_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  ground[Symbol.dispose]();
});

const has = (program: string): boolean => {
  try {
    execFileSync('/bin/sh', ['-c', `command -v ${program}`], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
};

const script = (script_type: string, text: string, more = {}) =>
  server.text('execute_script', { script_type, script: text, wait_time: 60, ...more });

const GO = 'package main\nimport "fmt"\nfunc main() { fmt.Println("from go") }';

describe('execute_script', () => {
  it.each([
    ['bash', 'a=(1 2); echo ${a[1]} "$0" | cut -c 1-2', '2 '],
    ['sh', 'echo plain', 'plain'],
    ['python', 'import os\nprint(os.getcwd() == os.environ["PWD"] or True)', 'True'],
    ['py', 'print(1 +\n 2)', '3'],
    ['javascript', 'console.log([1, 2].map((x) => x * 2).join())', '2,4'],
    ['js', "const fs = require('fs'); console.log(typeof fs.readFileSync)", 'function'],
    ['typescript', 'const a: number = 2; console.log(a + 1)', '3'],
    ['TS', 'interface A { b: string }\nconst a: A = { b: "x" }; console.log(a.b)', 'x'],
  ])('runs %s: %j', { timeout: 30_000 }, async (type, text, wanted) => {
    expect(await script(type, text)).toMatch(
      new RegExp(`^Return code: 0\\nExecution time: \\d+\\.\\d\\d seconds\\nStatus: Success\\n\\n=== STDOUT ===\\n${wanted}`),
    );
  });

  it.each(['rust', 'rs'])('compiles and runs %s', { timeout: 90_000 }, async (type, ...rest) => {
    void rest;
    if (!has('rustc')) return;
    expect(await script(type, 'fn main() { println!("from rust"); }')).toContain('=== STDOUT ===\nfrom rust');
  });

  it('compiles and runs go (needs go)', { timeout: 90_000 }, async (context) => {
    if (!has('go')) return context.skip('no go on PATH');
    expect(await script('go', GO)).toContain('=== STDOUT ===\nfrom go');
  });

  it('shows what a compiler complains of, with the return code of it (needs rustc)', { timeout: 90_000 }, async (context) => {
    if (!has('rustc')) return context.skip('no rustc on PATH');
    expect(await script('rust', 'fn main() {')).toMatch(
      /^Return code: 1\nExecution time: 60\.00 seconds\nStatus: Failed\n\n=== STDERR ===\nerror: /,
    );
  });

  it.each([
    ['cobol', 'Unsupported script type: cobol'],
    ['', 'Unsupported script type: '],
    ['__proto__', 'Unsupported script type: __proto__'],
  ])('does not know the type %j', async (type, wanted) => {
    expect(await server.call('execute_script', { script: 'x', script_type: type })).toMatchObject({ text: wanted, isError: false });
  });

  it('is bash when no type is named, and waits like a command', async () => {
    const answer = await server.call('execute_script', { script: '[[ a == a ]] && echo yes; sleep 30', timeout: 1 });
    expect(answer.text).toMatch(/^Command still running in background\. Session ID: \d+\n\n=== STDOUT ===\nyes$/);
    const id = /ID: (\d+)/.exec(answer.text)?.[1] ?? '';
    expect(await server.text('list_sessions')).toContain(`Session ${id}:\n  Command: bash script: [[ a == a ]]`);
    expect(await server.text('force_terminate', { session_id: id })).toBe(`Session ${id} terminated`);
  });

  it('runs in the folder named, with the streams asked for', async () => {
    expect(await script('bash', 'pwd; echo e >&2', { working_directory: '/usr', output_type: 'stdout' })).toMatch(/STDOUT ===\n\/usr$/);
    expect(await server.call('execute_script', { script: 'true', working_directory: '/nonexistent' })).toMatchObject({
      text: "[Errno 2] No such file or directory: '/nonexistent'",
      isError: true,
    });
    expect(await server.call('execute_script', { script: 'true', output_type: 'bogus' })).toMatchObject({ isError: true });
  });

  it('leaves no files behind', async () => {
    await script('python', 'print(1)');
    const [sandbox = ''] = readdirSync(join(ground.state, 'sandboxes'));
    const scratch = join(ground.state, 'sandboxes', sandbox, 'work/.corral');
    for (let tries = 0; tries < 100 && existsSync(scratch) && readdirSync(scratch).length > 0; tries += 1) await script('sh', 'sleep 0.05');
    expect(existsSync(scratch) ? readdirSync(scratch).filter((name) => existsSync(join(scratch, name, 'main.py'))) : []).toEqual([]);
    expect(readdirSync(ground.work).filter((name) => name.startsWith('.corral'))).toEqual([]);
  });
});

describe('compilers', () => {
  it('have a deadline of their own, and are within the wait', { timeout: 60_000 }, async () => {
    // A clock that is in a hurry stands in for `timeout`: what follows is the compiler, which never ends.
    const path = ground.fakes({ timeout: 'shift 3; "$@" & sleep 1; kill $!; exit 124', rustc: 'exec sleep 300', go: 'exec sleep 300' });
    await using slow = await ground.open({ path, state: `${ground.state}-slow` });
    expect(await slow.text('execute_script', { script: 'fn main() {}', script_type: 'rust' })).toBe('Rust compilation timed out');
    expect(await slow.text('execute_script', { script: GO, script_type: 'go' })).toBe('Go compilation timed out');
    expect(await slow.text('execute_script', { script: GO, script_type: 'go', wait_time: 0 })).toMatch(
      /^Command still running in background\. Session ID: 3$/,
    );
  });

  it('are asked to stop after 60 seconds', { timeout: 30_000 }, async () => {
    const path = ground.fakes({ timeout: 'echo "$@" | cut -d " " -f 1-3 >&2; exit 9', rustc: ':' });
    await using asked = await ground.open({ path, state: `${ground.state}-asked` });
    expect(await asked.text('execute_script', { script: 'fn main() {}', script_type: 'rust' })).toContain('=== STDERR ===\n-k 1 60');
  });

  it('for Solidity are told of where there are none', async (context) => {
    if (has('solc') || has('forge')) return context.skip('solc or forge is on PATH');
    expect(await server.call('execute_script', { script: 'contract A {}', script_type: 'solidity' })).toMatchObject({
      text: expect.stringMatching(/^Error: Solidity needs solc or forge, and neither is installed\. Get solc from .*forge/) as string,
      isError: false,
    });
  });

  it('for Solidity are used, solc before forge', { timeout: 30_000 }, async () => {
    const solc = ground.fakes({ solc: 'echo "solc $1 $2"; cat "$3"' });
    await using first = await ground.open({ path: solc, state: `${ground.state}-solc` });
    expect(await first.text('execute_script', { script: 'contract A {}', script_type: 'sol' })).toContain(
      '=== STDOUT ===\nsolc --abi --bin\ncontract A {}',
    );
    if (has('solc')) return;
    const forge = ground.fakes({ forge: 'echo "forge $1"; cat "$5/Main.sol"' });
    await using second = await ground.open({ path: forge, state: `${ground.state}-forge` });
    expect(await second.text('execute_script', { script: 'contract B {}', script_type: 'solidity' })).toContain(
      '=== STDOUT ===\nforge build\ncontract B {}',
    );
  });

  it('that are missing are named', { timeout: 30_000 }, async () => {
    const bin = ground.fakes({});
    for (const name of ['sh', 'env', 'cat']) writeFileSync(join(bin, name), `#!/bin/sh\nexec /bin/${name} "$@"\n`, { mode: 0o755 });
    await using bare = await ground.open({ env: { PATH: bin }, state: `${ground.state}-bare` });
    expect(await bare.call('execute_script', { script: GO, script_type: 'go' })).toMatchObject({
      text: expect.stringMatching(/^Error: There is no go in this sandbox, which go needs\./) as string,
      isError: false,
    });
  });
});
