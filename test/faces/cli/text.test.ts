import { describe, expect, it } from 'vitest';
import { OUTCOME_KINDS } from '../../../src/ports/sandbox.ts';
import { exitCodeOf, outcomeWords } from '../../../src/faces/cli/outcome.ts';
import { receiptText, type ReceiptView } from '../../../src/faces/cli/receipt-text.ts';
import { shortSize } from '../../../src/faces/cli/sizes.ts';
import { createStyle, printable, wantsColour } from '../../../src/faces/cli/style.ts';
import { nearest } from '../../../src/faces/cli/suggest.ts';
import { ago, shortDuration, table } from '../../../src/faces/cli/table.ts';

describe('tables', () => {
  it('line up, without spaces at the end', () => {
    expect(
      table([
        ['A', 'LONG', 'C'],
        ['aaaa', 'b', 'c'],
        ['a', 'b', ''],
      ]),
    ).toBe('A     LONG  C\naaaa  b     c\na     b\n');
  });

  it('are cut to the width of a terminal, and only then', () => {
    expect(table([['a', 'b'.repeat(20)]], 10)).toBe(`a  ${'b'.repeat(6)}…\n`);
    expect(table([['a', 'b'.repeat(20)]])).toHaveLength(24);
  });

  it.each([
    [0, '0ms'],
    [999, '999ms'],
    [1000, '1.0s'],
    [59_000, '59s'],
    [60_000, '1m'],
    [3_599_999, '59m'],
    [90_000_000, '1d'],
  ])('%d ms are %s', (ms, words) => {
    expect(shortDuration(ms)).toBe(words);
  });

  it('a clock that went backwards is no time ago', () => {
    expect(ago(2000, 1000)).toBe('0ms ago');
  });
});

describe('what others wrote', () => {
  it('cannot move the cursor, colour the screen or turn the text around', () => {
    expect(printable('a\u001B[2Jb\nc\u202Ed\u009Be')).toBe('a\\x1b[2Jb c\\x202ed\\x9be');
    expect(printable('naïve 名前')).toBe('naïve 名前');
  });
});

describe('colour', () => {
  it.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: true }, { NO_COLOR: '1' }, false],
    [{ isTTY: true }, { NO_COLOR: '' }, true],
    [{ isTTY: true }, { TERM: 'dumb' }, false],
    [{}, {}, false],
  ])('on %j with %j: %s', (stream, env, wanted) => {
    expect(wantsColour(stream, env)).toBe(wanted);
    expect(createStyle(wanted).red('x') === 'x').toBe(!wanted);
  });
});

describe('suggestions', () => {
  it.each([
    ['sreve', 'serve'],
    ['serv', 'serve'],
    ['docter', 'doctor'],
    ['zebra', undefined],
    ['x'.repeat(10_000), undefined],
  ])('%s -> %s', (word, meant) => {
    expect(nearest(word, ['serve', 'doctor', 'ps'])).toBe(meant);
  });
});

describe('exit codes', () => {
  it.each([
    [{ kind: 'exited', code: 42 }, undefined, 42],
    [{ kind: 'signalled', signal: 'SIGSEGV' }, undefined, 139],
    [{ kind: 'timed_out', signal: 'SIGKILL' }, undefined, 124],
    [{ kind: 'cancelled', signal: 'SIGKILL' }, 'SIGINT', 130],
    [{ kind: 'cancelled', signal: 'SIGTERM' }, undefined, 143],
    [{ kind: 'memory_limit', signal: 'SIGKILL' }, undefined, 137],
    [{ kind: 'lost' }, undefined, 125],
  ] as const)('%j', (outcome, received, code) => {
    expect(exitCodeOf(outcome, received)).toBe(code);
  });

  it('no ending passes for success, and each has words', () => {
    for (const kind of OUTCOME_KINDS) {
      expect(exitCodeOf({ kind })).not.toBe(0);
      expect(outcomeWords({ kind })).not.toContain('_');
    }
  });
});

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [10 * 1024, '10 KiB'],
    [1.5 * 1024 ** 3, '1.5 GiB'],
    [5000 * 1024 ** 4, '5000 TiB'],
  ])('%d bytes are %s', (bytes, words) => {
    expect(shortSize(bytes)).toBe(words);
  });
});

describe('a receipt for people', () => {
  const plain = createStyle(false);
  const receipt: ReceiptView = {
    execution_id: 'x1',
    sandbox_id: 's1',
    status: 'finished',
    command: 'make\u001B[2J',
    caller: 'local',
    started: '2026-01-01T00:00:00.000Z',
    duration_ms: 1500,
    outcome: { kind: 'exited', code: 2 },
    usage: { cpu_user_ms: 1200, cpu_system_ms: 30, peak_rss_bytes: 2 * 1024 * 1024 },
    files: { created: ['new\nline', '\u001B]0;x\u0007', '\u202Eabc'], removed: ['old/'], more: 7, complete: false, why: 'too much' },
    ports: [80, 8080],
    output: { stdout: { bytes: 5, lines: 1, sha256: 'abc' }, stderr: { bytes: 0 } },
    rule: { verdict: 'allow', rule: 'r1', reason: 'it may' },
    driver: 'bubblewrap',
    network: 'none',
    isolation: { measured: true, namespaces: ['net', 'pid'], uid: 7, capabilities: 'none', seccomp: true },
    limits: { class: 'B', kept_by: 'cgroup1', timeout_ms: 60_000, memory_bytes: 1024, processes: 9 },
  };
  const line = (label: string): string | undefined => new RegExp(`^${label} +(.*)$`, 'm').exec(receiptText(receipt, plain))?.[1];

  it('has a line for each figure', () => {
    expect(line('outcome')).toBe('exited 2');
    expect(line('cpu')).toBe('1.2s user, 30ms system');
    expect(line('memory')).toBe('2.0 MiB at most');
    expect(line('ports')).toBe('80, 8080');
    expect(line('stdout')).toBe('5 B, 1 lines, sha256 abc');
    expect(line('rule')).toBe('allow by r1: it may');
    expect(line('limits')).toBe('class B (cgroup1), timeout 1m, memory 1.0 KiB, processes 9');
    expect(line('sandbox')).toContain('own net pid, uid 7, capabilities none, system calls filtered');
    expect(receiptText(receipt, plain)).not.toMatch(/^disk/m);
  });

  it('lists files, and says what is not listed or not known', () => {
    const text = receiptText(receipt, plain);
    expect(text).toContain('- old/\n');
    expect(text).toContain('and 7 more that are not listed');
    expect(text).toContain('incomplete: too much');
    expect(receiptText({ ...receipt, files: { complete: true } }, plain)).toContain('nothing changed');
    const { files: _, ...unwatched } = receipt;
    expect(receiptText(unwatched, plain)).toContain('not watched');
  });

  it('lets nothing through that a terminal would obey', () => {
    const text = receiptText(receipt, plain);
    expect(/[^\n\u0020-\u007E]/.exec(text)?.[0]).toBeUndefined();
    expect(text).toContain(String.raw`new\nline`);
  });
});
