import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ground, openGround, type ShellServer } from './support/server.ts';

let ground: Ground;
let server: ShellServer;

beforeAll(async () => {
  ground = await openGround();
  server = await ground.open({
    env: { ALLOWED_COMMANDS: ' tail , rev', AWS_SECRET_ACCESS_KEY: 'hush-hush', MCP_SHELL_CHILD_ENV_ALLOWLIST: 'PUBLIC', PUBLIC: 'yes' },
  });
  writeFileSync(join(ground.work, 'in.txt'), 'one\ntwo\nthree\n');
  writeFileSync(join(dirname(ground.work), 'outside.txt'), 'not yours\n');
  symlinkSync(join(dirname(ground.work), 'outside.txt'), join(ground.work, 'link.txt'));
  symlinkSync(dirname(ground.work), join(ground.work, 'up'));
  mkdirSync(join(ground.work, 'sub'));
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  ground?.[Symbol.dispose]();
});

const out = (text: string): string => `---\nstdout:\n---\n${text}\n`;
const err = (text: string): string => `---\nstderr:\n---\n${text}\n`;

describe('a command that ran', () => {
  it.each<[string, readonly string[], Readonly<Record<string, unknown>>, readonly string[]]>([
    ['tells its exit and its output, stripped', ['printf', '\n  a b \n\n'], {}, ['**exit with 0**', out('a b')]],
    ['leaves out what is empty', ['true'], {}, ['**exit with 0**']],
    [
      'is no error when it fails, and its real stderr is shown',
      ['sh', '-c', 'echo o; echo e >&2; exit 3'],
      {},
      ['**exit with 3**', out('o'), err('e')],
    ],
    ['shows stderr alone', ['sh', '-c', 'echo only >&2'], {}, ['**exit with 0**', err('only')]],
    ['has the negative number of the signal that ended it', ['sh', '-c', 'kill -9 $$'], {}, ['**exit with -9**']],
    ['may not be there', ['absent'], {}, ['**exit with 127**', err('absent: command not found')]],
    ['gets what is given as stdin', ['cat'], { stdin: 'päivää' }, ['**exit with 0**', out('päivää')]],
    ['finds its input closed', ['cat'], {}, ['**exit with 0**']],
    ['does not wait for an input nobody reads', ['true'], { stdin: 'x'.repeat(300_000) }, ['**exit with 0**']],
    ['may be named with blanks around', [' echo ', 'x'], {}, ['**exit with 0**', out('x')]],
    ['may come from the second list', ['rev'], { stdin: 'abc' }, ['**exit with 0**', out('cba')]],
    ['is not matched against files', ['ls', '*.txt'], {}, ['**exit with 2**', err("ls: cannot access '*.txt': No such file or directory")]],
    [
      'keeps arguments as they are',
      ['printf', '[%s]', '$(id)', 'hello;', '', ' x ', 'a|b', '|text', 'text|', '`id`', '$HOME', '&'],
      {},
      ['**exit with 0**', out('[$(id)][hello;][][ x ][a|b][|text][text|][`id`][$HOME][&]')],
    ],
    ['runs in its directory', ['sh', '-c', 'basename "$PWD"'], {}, ['**exit with 0**']],
  ])('%s', async (_, command, more, blocks) => {
    const answer = await server.execute(command, more);
    expect(answer).toMatchObject({ isError: false, structured: false });
    expect(answer.blocks.slice(0, blocks.length)).toEqual(blocks);
  });

  it('runs in the folder that was named', async () => {
    expect((await server.execute(['pwd'], { directory: join(ground.work, 'sub') })).blocks[1]).toBe(out(join(ground.work, 'sub')));
  });

  it('sees nothing of what the server itself was given', async () => {
    const { blocks } = await server.execute(['env']);
    expect(blocks[1]).not.toMatch(/hush-hush|ALLOW_COMMANDS|CORRAL_STATE_DIR/);
    expect(blocks[1]).toMatch(/^PUBLIC=yes$/m);
  });
});

describe('what is refused', () => {
  const at = (name: string): string => join(ground.work, name);
  it.each<[string, () => Readonly<Record<string, unknown>>, string | (() => string)]>([
    ['no command', () => ({ directory: ground.work }), 'No command provided'],
    ['an empty command', () => ({ command: [], directory: ground.work }), 'No command provided'],
    ['a command that is text', () => ({ command: 'ls', directory: ground.work }), "'command' must be an array"],
    ['a word that is no text', () => ({ command: ['echo', 1], directory: ground.work }), "'command' must be an array of strings"],
    ['NUL', () => ({ command: ['echo', 'a\0b'], directory: ground.work }), "'command' must not contain NUL (item 1)"],
    [
      'an argument the kernel would not take',
      () => ({ command: ['echo', 'x'.repeat(200_000)], directory: ground.work }),
      "'command' has an item of more than 131071 bytes (item 1); use stdin",
    ],
    ['no directory', () => ({ command: ['ls'] }), 'Directory is required'],
    ['an empty directory', () => ({ command: ['ls'], directory: '' }), 'Directory is required'],
    ['a relative directory', () => ({ command: ['ls'], directory: 'x/y' }), 'Directory must be an absolute path: x/y'],
    [
      'a directory that is not there',
      () => ({ command: ['ls'], directory: '/does/not/exist' }),
      'Directory does not exist: /does/not/exist',
    ],
    ['a directory that is a file', () => ({ command: ['ls'], directory: at('in.txt') }), () => `Not a directory: ${at('in.txt')}`],
    ['a command that is not listed', () => ({ command: ['rm', '-rf'], directory: ground.work }), 'Command not allowed: rm'],
    ['the path of one that is', () => ({ command: ['/bin/ls'], directory: ground.work }), 'Command not allowed: /bin/ls'],
    ['a later stage that is not listed', () => ({ command: ['ls', '|', 'rm'], directory: ground.work }), 'Command not allowed: rm'],
    ['; as a word', () => ({ command: ['ls', ';', 'id'], directory: ground.work }), 'Unexpected shell operator: ;'],
    ['&& as a word', () => ({ command: ['ls', '&&', 'id'], directory: ground.work }), 'Unexpected shell operator: &&'],
    ['|| as a word', () => ({ command: ['ls', '||', 'id'], directory: ground.work }), 'Unexpected shell operator: ||'],
    [
      '; in a pipeline',
      () => ({ command: ['ls', '|', 'wc', ';', 'id'], directory: ground.work }),
      'Unexpected shell operator in pipeline: ;',
    ],
    ['a pipeline without a beginning', () => ({ command: ['|', 'wc'], directory: ground.work }), 'Empty command before pipe operator'],
    ['a pipeline with a gap', () => ({ command: ['ls', '|', '|', 'wc'], directory: ground.work }), 'Empty command before pipe operator'],
    ['a pipeline without an end', () => ({ command: ['ls', '|'], directory: ground.work }), 'Unexpected shell operator: |'],
    ['> without a file', () => ({ command: ['ls', '>'], directory: ground.work }), 'Missing path for output redirection'],
    ['>> without a file', () => ({ command: ['ls', '>>'], directory: ground.work }), 'Missing path for output redirection'],
    ['< without a file', () => ({ command: ['cat', '<'], directory: ground.work }), 'Missing path for input redirection'],
    ['> to an operator', () => ({ command: ['ls', '>', '>>'], directory: ground.work }), 'Invalid redirection target: operator found'],
    ['> to a pipe', () => ({ command: ['ls', '>', '|', 'wc'], directory: ground.work }), 'Invalid redirection target: operator found'],
    ['< of a file that is not there', () => ({ command: ['cat', '<', 'no.txt'], directory: ground.work }), 'Failed to open input file'],
    ['< of a folder', () => ({ command: ['cat', '<', 'sub'], directory: ground.work }), 'Failed to open input file'],
    [
      '> into a folder that is not there',
      () => ({ command: ['ls', '>', 'no/x'], directory: ground.work }),
      'Failed to open output file: No such file or directory',
    ],
    ['> over a folder', () => ({ command: ['ls', '>', 'sub'], directory: ground.work }), 'Failed to open output file: Is a directory'],
    [
      '< of an absolute path',
      () => ({ command: ['cat', '<', '/etc/shadow'], directory: ground.work }),
      'Redirection target must be relative to the working directory',
    ],
    [
      '> to an absolute path',
      () => ({ command: ['ls', '>', '/tmp/x'], directory: ground.work }),
      'Redirection target must be relative to the working directory',
    ],
    [
      '> upwards',
      () => ({ command: ['ls', '>', '../x'], directory: ground.work }),
      'Redirection target must be relative to the working directory',
    ],
    [
      '< through a link that leads out',
      () => ({ command: ['cat', '<', 'link.txt'], directory: ground.work }),
      'Redirection target must be relative to the working directory',
    ],
    [
      '> through a folder that leads out',
      () => ({ command: ['ls', '>', 'up/x'], directory: ground.work }),
      'Redirection target must be relative to the working directory',
    ],
    ['an encoding that is none', () => ({ command: ['ls'], directory: ground.work, encoding: 'klingon' }), 'unknown encoding: klingon'],
    ['an encoding of bytes', () => ({ command: ['ls'], directory: ground.work, encoding: 'base64' }), 'unknown encoding: base64'],
    ['a negative timeout', () => ({ command: ['ls'], directory: ground.work, timeout: -1 }), "'timeout' must be between 0 and 31536000"],
    ['a timeout that is no integer', () => ({ command: ['ls'], directory: ground.work, timeout: 1.5 }), "'timeout' must be an integer"],
    [
      'a timeout of nothing',
      () => ({ command: ['ls'], directory: ground.work, timeout: 0 }),
      'Command execution timed out after 0 seconds',
    ],
  ])('%s', async (_, args, message) => {
    const answer = await server.call('shell_execute', args());
    expect(answer).toMatchObject({
      isError: true,
      structured: false,
      blocks: [`Error executing command: ${typeof message === 'string' ? message : message()}`],
    });
  });

  it('everything, when nothing is allowed', async () => {
    await using bare = await ground.open({ env: { ALLOW_COMMANDS: ' , ' } });
    expect((await bare.execute(['ls'])).blocks).toEqual([
      'Error executing command: No commands are allowed. Please set ALLOW_COMMANDS environment variable.',
    ]);
    expect((await bare.client.listTools()).tools[0]?.description).toBe('Execute a shell command\nAllowed commands: ');
  });
});

describe('pipelines and redirections', () => {
  it('connect real programs, whose last tells the exit', async () => {
    expect((await server.execute(['cat', 'in.txt', '|', 'tr', 'a-z', 'A-Z', '|', 'head', '-n', '2'])).blocks).toEqual([
      '**exit with 0**',
      out('ONE\nTWO'),
    ]);
    expect((await server.execute(['cat', 'in.txt', '|', 'grep', 'nothing'])).blocks).toEqual(['**exit with 1**']);
    expect((await server.execute(['cat', '|', 'wc', '-c'], { stdin: '12345' })).blocks).toEqual(['**exit with 0**', out('5')]);
  });

  it('run at the same time: an endless first stage ends with its reader', async () => {
    const answer = await server.execute(['yes', '|', 'head', '-n', '2']);
    expect(answer.blocks).toEqual(['**exit with 0**', out('y\ny')]);
    expect(answer.ms).toBeLessThan(5000);
  });

  it('write, append and read files of the directory', async () => {
    expect((await server.execute(['echo', 'first', '>', 'made.txt'])).blocks).toEqual(['**exit with 0**']);
    expect((await server.execute(['echo', 'second', '>>', 'made.txt'])).blocks).toEqual(['**exit with 0**']);
    expect(readFileSync(join(ground.work, 'made.txt'), 'utf8')).toBe('first\nsecond\n');
    expect((await server.execute(['cat', '<', 'made.txt'])).blocks).toEqual(['**exit with 0**', out('first\nsecond')]);
    expect((await server.execute(['cat', '<', 'made.txt', '|', 'wc', '-l', '>', 'sub/count.txt'])).blocks).toEqual(['**exit with 0**']);
    expect(readFileSync(join(ground.work, 'sub/count.txt'), 'utf8').trim()).toBe('2');
  });

  it('are words of their own; inside a word they are text', async () => {
    expect((await server.execute(['echo', 'a>b', '2>&1', '<x'])).blocks).toEqual(['**exit with 0**', out('a>b 2>&1 <x')]);
  });

  it('show what each stage says of itself', async () => {
    const { blocks } = await server.execute(['cat', 'nowhere', '|', 'wc', '-c']);
    expect(blocks).toEqual(['**exit with 0**', out('0'), err('cat: nowhere: No such file or directory')]);
  });
});

describe('time', () => {
  it('is over on time, with the whole tree, and what was printed is shown', async () => {
    // Of this run alone: others may look for theirs at the same time.
    const nap = `7${String(process.pid)}.25`;
    const answer = await server.execute(['sh', '-c', `trap "" TERM; echo part; sh -c "sleep ${nap}" & sleep ${nap}`], { timeout: 1 });
    expect(answer.blocks).toEqual(['Error executing command: Command execution timed out after 1 seconds', out('part')]);
    expect(answer.isError).toBe(true);
    expect(answer.ms).toBeLessThan(3000);
    expect(
      (
        await server.execute([
          'sh',
          '-c',
          `cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | grep -c "sleep ${nap.replace('.', '[.]')}" || true`,
        ])
      ).blocks[1],
    ).toBe(out('0'));
  });

  it('of a pipeline is the time of all its stages', async () => {
    const answer = await server.execute(['sleep', '30', '|', 'sleep', '30'], { timeout: 1 });
    expect(answer.blocks).toEqual(['Error executing command: Command execution timed out after 1 seconds']);
    expect(answer.ms).toBeLessThan(3000);
  });
});

describe('text', () => {
  it('is read and written in the encoding that was named', async () => {
    expect((await server.execute(['printf', '\\304\\343\\272\\303'], { encoding: 'gbk' })).blocks[1]).toBe(out('你好'));
    expect((await server.execute(['printf', '\\304\\343'], { encoding: 'cp936' })).blocks[1]).toBe(out('你'));
    expect((await server.execute(['wc', '-c'], { stdin: '你好', encoding: 'gbk' })).blocks[1]).toBe(out('4'));
    expect((await server.execute(['printf', '\\351'], { encoding: 'latin-1' })).blocks[1]).toBe(out('é'));
  });

  it('that is none is shown all the same', async () => {
    expect((await server.execute(['printf', 'a\\377b'])).blocks).toEqual(['**exit with 0**', out('a\\xffb')]);
    expect((await server.execute(['printf', 'a\\377'], { encoding: 'gbk' })).blocks[1]).toMatch(/a/);
  });

  it('that the encoding has no place for is not sent as something else', async () => {
    expect((await server.execute(['cat'], { stdin: '你', encoding: 'latin-1' })).blocks).toEqual([
      'Error executing command: stdin cannot be written in the encoding latin-1',
    ]);
  });

  it('may have lines of any length', async () => {
    const { blocks } = await server.execute(['sh', '-c', 'head -c 200000 /dev/zero | tr "\\0" x']);
    expect(blocks[1]).toBe(out('x'.repeat(200_000)));
  });

  it('is cut where it would fill the answer, and says so', async () => {
    const { blocks } = await server.execute(['seq', '1', '400000']);
    expect(blocks[1]).toMatch(/^---\nstdout: \(truncated, \d+\/400000 lines shown\)\n---\n1\n2\n/);
    expect(blocks[1]).toMatch(/\n\.\.\. \(output truncated, showing \d+ of 400000 lines\)\n$/);
    expect((await server.execute(['seq', '1', '5'], { limit_lines: 2 })).blocks[1]).toBe(
      '---\nstdout: (truncated, 2/5 lines shown)\n---\n1\n2\n... (output truncated, showing 2 of 5 lines)\n',
    );
  });

  it('is read in DEFAULT_ENCODING, or in that of the locale', async () => {
    for (const env of [{ DEFAULT_ENCODING: 'gbk' }, { LANG: 'zh_CN.GBK' }]) {
      await using other = await ground.open({ env });
      expect((await other.execute(['printf', '\\304\\343'])).blocks[1]).toBe(out('你'));
    }
  });
});
