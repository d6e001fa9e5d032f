import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExecServer, type Ground, openGround } from './support/server.ts';

let ground: Ground;
let server: ExecServer;
beforeAll(async () => {
  ground = await openGround();
  server = await ground.open({ blocked: ['rm'], args: ['--', 'dd'] });
}, 120_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  ground[Symbol.dispose]();
});

const BLACKLISTED = 'Error: This command has been blacklisted';

describe('a blocked program', () => {
  it('is not started, however it is written', async () => {
    const victim = join(ground.work, 'victim');
    symlinkSync('/bin/rm', join(ground.work, 'harmless'));
    const tries = [
      ...[
        'rm v',
        '/bin/rm v',
        "r''m v",
        'r\\m v',
        '"rm" v',
        'true;rm v',
        'true; rm v',
        'true\nrm v',
        'true&&rm v',
        'echo $(rm v)',
        'echo `rm v`',
        '$(echo rm) v',
      ],
      ...[
        'X=rm; $X v',
        'env rm v',
        'xargs rm <<E\nv\nE',
        'sudo rm v',
        'nice rm v',
        'timeout 5 rm v',
        'find . -name v -exec rm {} ;',
        "sh -c 'rm v'",
        "bash -c 'r''m v'",
      ],
      ...[
        'echo rm v | sh',
        'eval rm v',
        'command rm v',
        'exec rm v',
        '/bin/r? v',
        '{ rm v; }',
        '(rm v)',
        'f() { rm v; }; f',
        './harmless v',
        'busybox rm v',
        'dd if=v',
        'cat <(rm v)',
      ],
    ];
    for (const text of tries) {
      writeFileSync(victim, 'still here');
      const command = text.replace(/\bv\b/g, 'victim');
      expect(await server.call('execute_command', { command }), command).toMatchObject({ text: BLACKLISTED, isError: false });
      expect(existsSync(victim), command).toBe(true);
    }
  });

  it('is not started by a script, or by an argv', async () => {
    expect(await server.text('execute_script', { script: 'x=1\nif [[ $x == 1 ]]; then\n  rm a\nfi' })).toBe(BLACKLISTED);
    expect(await server.text('execute_script', { script: 'for f in *; do rm "$f"; done', script_type: 'sh' })).toBe(BLACKLISTED);
    for (const args of [
      { command: ['rm', 'a'] },
      { command: ['/bin/rm', 'a'] },
      { command: ['env', 'rm', 'a'] },
      { command: ['rm', 'a'], shell: true },
    ])
      expect(JSON.parse(await server.text('run_command_sync', args))).toMatchObject({
        returncode: -1,
        stderr: BLACKLISTED,
        timed_out: false,
      });
    expect(await server.run('rm a', { shell: false })).toBe(BLACKLISTED);
  });

  it('may be spoken of', async () => {
    for (const command of [
      'echo rm',
      'echo "rm -rf /; dd"',
      'printf "%s" dd',
      'which rm',
      'command -v rm',
      'ls /bin/rm',
      'find /bin/rm -name rm',
      'echo a | grep -c rm || true',
      'git --version # rm',
    ])
      expect(await server.run(command), command).toContain('Return code: 0');
    expect(
      await server.text('execute_script', { script: 'for i in $(seq 2); do echo "rm $i"; done\ncase x in x) echo dd;; esac' }),
    ).toContain('rm 1\nrm 2\ndd');
  });

  it('makes what cannot be read refused, and only then', async () => {
    expect(await server.run('"$HOME"')).toBe(BLACKLISTED);
    expect(await server.run('echo "unfinished')).toBe(BLACKLISTED);
    await using free = await ground.open({ state: `${ground.state}-free` });
    expect(await free.text('list_blocked_commands')).toBe('No commands are currently blocked');
    expect(await free.run('x=echo; $x fine')).toContain('fine');
  });
});

describe('the list', () => {
  it('is sorted, one a line, and what the operator put on it stays', async () => {
    expect(await server.text('list_blocked_commands')).toBe('dd\nrm');
    expect(await server.text('unblock_command', { command: 'rm' })).toBe("Command 'rm' has been blocked by the operator and stays blocked");
    expect(await server.run('rm x')).toBe(BLACKLISTED);
  });

  it('takes what an agent blocks, and gives it back', async () => {
    expect(await server.text('block_command', { command: 'seq' })).toBe("Command 'seq' has been blocked");
    expect(await server.text('block_command', { command: 'seq' })).toBe("Command 'seq' has been blocked");
    expect(await server.text('list_blocked_commands')).toBe('dd\nrm\nseq');
    expect(await server.run('seq 3')).toBe(BLACKLISTED);
    expect(await server.text('unblock_command', { command: 'seq' })).toBe("Command 'seq' has been unblocked");
    expect(await server.text('unblock_command', { command: 'seq' })).toBe("Command 'seq' was not blocked");
    expect(await server.run('seq 3')).toContain('1\n2\n3');
  });

  it('goes by the name of a path, and has no place for what is no name', async () => {
    expect(await server.text('block_command', { command: '/usr/bin/seq' })).toBe("Command '/usr/bin/seq' has been blocked");
    expect(await server.run('seq 3')).toBe(BLACKLISTED);
    expect(await server.text('unblock_command', { command: '/usr/bin/seq' })).toBe("Command '/usr/bin/seq' has been unblocked");
    for (const command of ['', '/', '..', 'rm -rf', 'a\nb'])
      expect(await server.text('block_command', { command })).toBe(`Error: '${command}' is not the name of a command`);
    expect(await server.text('unblock_command', { command: 'a b' })).toBe("Command 'a b' was not blocked");
    expect(await server.text('list_blocked_commands')).toBe('dd\nrm');
  });

  it('lasts beyond the server, but for what stood on its command line', async () => {
    const state = `${ground.state}-lasts`;
    {
      await using first = await ground.open({ blocked: ['rm'], state });
      await first.text('block_command', { command: 'tac' });
    }
    await using second = await ground.open({ state });
    expect(await second.text('list_blocked_commands')).toBe('tac');
    expect(await second.run('tac /dev/null')).toBe(BLACKLISTED);
    expect(await second.run('rm nothing-there')).toContain('Return code: 1');
  });
});
