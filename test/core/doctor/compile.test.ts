import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { attacksOf, compileProbe, judge, readAnswers } from '../../../src/core/doctor/escapes/compile.ts';
import type { Attack, EscapeProbe, ProbeContext } from '../../../src/core/doctor/escapes/probe.ts';
import { probeArch } from '../../../src/core/doctor/escapes/probe.ts';
import { temporaryFolder } from '../../support/run-bubblewrap.ts';

const probe: EscapeProbe = { id: 'p', title: 'P', expected: 'nothing works', attacks: () => [] };
const shell = (name: string, script = 'false'): Attack => ({ name, kind: 'shell', script });
const arch = probeArch(process.arch) ?? 'x64';

describe('judging', () => {
  const attacks: readonly Attack[] = [
    shell('one'),
    { name: 'two', kind: 'call', call: 'bpf', args: [] },
    { name: 'three', kind: 'tcp', to: '127.0.0.1 1' },
  ];

  test.each([
    ['all refused', 'R one\nE two 1\nE three 111\nprobe complete\n', 'yes', '3 of 3 refused'],
    ['a script succeeded', 'S one\nE two 1\nE three 111\nprobe complete\n', 'no', 'succeeded: one'],
    ['the kernel looked at the arguments of a call', 'R one\nE two 22\nE three 111\nprobe complete\n', 'no', 'succeeded: two'],
    ['a call worked', 'R one\nE two 0\nE three 111\nprobe complete\n', 'no', 'succeeded: two'],
    ['connected', 'R one\nE two 38\nE three 0\nprobe complete\n', 'no', 'succeeded: three'],
    [
      'nobody could make calls',
      'R one\nN two\nN three\nprobe complete\n',
      'unproven',
      '1 refused; not made, as there is neither python3 nor perl inside: two, three',
    ],
    ['it broke off', 'R one\n', 'unproven', 'the probe did not come to its end; refused so far: one'],
    ['it broke off after a success', 'S one\n', 'no', 'succeeded: one'],
    ['it said nothing', '', 'unproven', 'the probe did not come to its end; refused so far: nothing'],
  ] as const)('%s', (_name, output, held, seen) => {
    expect(judge(probe, attacks, output)).toMatchObject({ held, seen, tried: ['one', 'two', 'three'] });
  });

  test('a sandbox that ends under an attack has lost', () => {
    expect(judge(probe, attacks, '', 'it is gone')).toMatchObject({ held: 'no', seen: 'the sandbox ended under it: it is gone' });
  });

  test('nothing to try proves nothing', () => {
    expect(judge(probe, [], 'probe complete\n')).toMatchObject({ held: 'unproven' });
  });

  test('names are unique and plain: they are part of a script', () => {
    const named = (...names: string[]): EscapeProbe => ({ ...probe, attacks: () => names.map((name) => shell(name)) });
    const context = {} as ProbeContext;
    expect(() => attacksOf(named('a', 'a'), context)).toThrow(/names of attacks/);
    expect(() => attacksOf(named("a'; reboot"), context)).toThrow(/names of attacks/);
    expect(attacksOf(named('a', 'b-2'), context)).toHaveLength(2);
  });
});

describe('the script', () => {
  /** Runs it with only the named programs on PATH. */
  const run = async (attacks: readonly Attack[], programs: readonly string[]): Promise<string> => {
    using folder = temporaryFolder();
    const bin = join(folder.path, 'bin');
    mkdirSync(bin);
    for (const program of programs) symlinkSync(`/usr/bin/${program}`, join(bin, program));
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', compileProbe(attacks, arch)], { env: { PATH: bin }, timeout: 15_000 });
    return stdout;
  };
  const has = (program: string): boolean => spawnSync(`/usr/bin/${program}`, ['--version']).status === 0;

  test('a failing, a succeeding, an exiting and a broken script each get their own answer', async () => {
    const attacks = [
      shell('fails', 'false'),
      shell('works', 'true'),
      shell('exits', 'exit 0'),
      shell('breaks', '/nonexistent/program'),
      shell('last', 'false'),
    ];
    expect(readAnswers(attacks, await run(attacks, []))).toEqual({
      succeeded: ['works', 'exits'],
      refused: ['fails', 'breaks', 'last'],
      notMade: [],
      complete: true,
    });
  });

  test('without python3 and perl raw attacks are named as not made', async () => {
    const attacks: readonly Attack[] = [{ name: 'raw', kind: 'call', call: 'bpf', args: [] }];
    expect(readAnswers(attacks, await run(attacks, []))).toMatchObject({ notMade: ['raw'], complete: true });
  });

  test.each(['python3', 'perl'])('%s makes calls and connections, and tells errors from success', async (program) => {
    if (!has(program)) throw new Error(`${program} is needed at /usr/bin for this test`);
    const server = createServer((socket) => socket.destroy());
    const abstract = createServer((socket) => socket.destroy());
    const name = `corral-compile-${process.pid}-${program}`;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => abstract.listen(`\0${name}`, resolve));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    try {
      const attacks: readonly Attack[] = [
        { name: 'ask', kind: 'call', call: 'personality', args: ['0xffffffff'] },
        { name: 'self', kind: 'call', call: 'kill', args: [0, 0] },
        { name: 'nobody', kind: 'call', call: 'kill', args: [0x7fff_fff0, 0], refusals: [3] },
        { name: 'unknown', kind: 'call', call: 'seccomp', args: [99] },
        { name: 'open-port', kind: 'tcp', to: `127.0.0.1 ${port}` },
        { name: 'closed-port', kind: 'tcp', to: '127.0.0.1 1' },
        { name: 'open-socket', kind: 'abstract', to: name },
        { name: 'no-socket', kind: 'abstract', to: `${name}-not` },
      ];
      expect(readAnswers(attacks, await run(attacks, [program]))).toEqual({
        succeeded: ['ask', 'self', 'unknown', 'open-port', 'open-socket'],
        refused: ['nobody', 'closed-port', 'no-socket'],
        notMade: [],
        complete: true,
      });
    } finally {
      server.close();
      abstract.close();
    }
  });
});
