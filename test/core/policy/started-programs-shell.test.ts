import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programsOfText } from '../../../src/core/policy/started-programs.ts';
import { whyNoBubblewrap } from '../../support/run-bubblewrap.ts';

/** Numbers below a bound, the same in each run. */
const generator = (seed: number): ((bound: number) => number) => {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** One more thing around a command; most start it. */
const AROUND: readonly ((inner: string) => string)[] = [
  (inner) => `true; ${inner}`,
  (inner) => `${inner} && true`,
  (inner) => `false || ${inner}`,
  (inner) => `true | ${inner}`,
  (inner) => `${inner} & wait`,
  (inner) => `( ${inner} )`,
  (inner) => `{ ${inner}\n}`,
  (inner) => `if true; then ${inner}\nfi`,
  (inner) => `for i in 1; do ${inner}\ndone`,
  (inner) => `case a in a) ${inner}\n;; esac`,
  (inner) => `f() { ${inner}\n}; f`,
  (inner) => `echo $( ${inner}\n)`,
  (inner) => `x="$( ${inner}\n)"`,
  (inner) => `echo "\${x:-$( ${inner}\n)}"`,
  (inner) => `cat <<E\n$( ${inner} )\nE`,
  (inner) => `sh -c ${quoted(inner)}`,
  (inner) => `bash -euc ${quoted(inner)} a b`,
  (inner) => `eval ${quoted(inner)}`,
  (inner) => `trap ${quoted(inner)} EXIT`,
  (inner) => `env A=1 sh -c ${quoted(inner)}`,
  (inner) => `timeout -k 1 5 nice -n 1 sh -c ${quoted(inner)}`,
  (inner) => `echo a | xargs -n 1 sh -c ${quoted(inner)}`,
  (inner) => `find . -maxdepth 0 -exec sh -c ${quoted(inner)} \\;`,
  (inner) => `sh <<'EOS'\n${inner}\nEOS`,
  (inner) => `bash <<< ${quoted(inner)}`,
  (inner) => `while true; do ${inner}\nbreak; done`,
  (inner) => `[[ a == a ]] && ${inner}`,
  (inner) => `! ${inner}`,
  (inner) => `A=1 B="2 3" command ${inner}`,
  (inner) => `echo ${quoted(inner)}`,
  (inner) => `# ${inner.replaceAll('\n', ' ')}\ntrue`,
  (inner) => `cat <<'E'\n${inner.replaceAll('E', 'e')}\nE`,
];

/** Ways to write the program. */
const LEAVES: readonly string[] = [
  ...[
    'rm x',
    '/bin/rm x',
    "r''m x",
    'r\\m x',
    '"rm" x',
    "$'rm' x",
    'exec rm x',
    'command rm x',
    'env rm x',
    'nohup rm x',
    'setsid -w rm x',
    'timeout 5 rm x',
  ],
  ...[
    'X=rm; $X x',
    '$(echo rm) x',
    '/bin/r[m] x',
    'a=r; ${a}m x',
    'echo rm x | sh',
    'ls /bin/rm',
    'echo rm',
    'printf "%s\\n" "rm x; rm"',
    'stdbuf -oL rm x',
    'xargs rm </dev/null',
    'alias ls=rm; ls x',
  ],
];

const COUNT = 160;

describe('against real shells', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'corral-started-'));
    writeFileSync(join(folder, 'stub'), `#!/bin/sh\necho ran >${folder}/ran\n`);
    chmodSync(join(folder, 'stub'), 0o755);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Did the shell start rm, which here is a program that only says so? */
  const starts = (shell: string, text: string): boolean => {
    rmSync(join(folder, 'ran'), { force: true });
    const place = [
      '--ro-bind',
      '/',
      '/',
      '--dev',
      '/dev',
      '--proc',
      '/proc',
      '--bind',
      folder,
      folder,
      '--ro-bind',
      join(folder, 'stub'),
      '/usr/bin/rm',
    ];
    spawnSync('bwrap', [...place, '--unshare-all', '--die-with-parent', '--chdir', folder, 'timeout', '-k', '1', '3', shell, '-c', text], {
      stdio: ['ignore', 'ignore', 'ignore'],
      timeout: 10_000,
      env: { PATH: '/usr/bin:/bin' },
    });
    return existsSync(join(folder, 'ran'));
  };

  it('whatever starts rm was seen to', { timeout: 120_000 }, (context) => {
    const why = whyNoBubblewrap();
    if (why !== undefined) return context.skip(why);
    if (process.getuid?.() !== 0 && !existsSync('/usr/bin/rm')) return context.skip('rm is not at /usr/bin/rm');
    const below = generator(Number(process.env['CORRAL_SEED'] ?? 7));
    const count = Number(process.env['CORRAL_FUZZ'] ?? COUNT);
    const [missed, tally] = [[] as string[], { started: 0, unknown: 0, harmless: 0 }];
    for (let number = 0; number < count; number += 1) {
      let text = LEAVES[below(LEAVES.length)] ?? '';
      for (let depth = below(4); depth > 0; depth -= 1) text = AROUND[below(AROUND.length)]?.(text) ?? text;
      const shell = below(2) === 0 ? 'sh' : 'bash';
      const found = programsOfText(text, shell);
      const named = found.known && found.names.some((name) => basename(name) === 'rm');
      if (!found.known) tally.unknown += 1;
      if (found.known && !named) {
        tally.harmless += 1;
        if (starts(shell, text)) missed.push(`${shell}: ${text}`);
      } else if (named && number % 8 === 0 && starts(shell, text)) tally.started += 1;
    }
    expect(missed).toEqual([]);
    // The oracle can tell, and not everything is refused.
    expect(tally.started).toBeGreaterThan(0);
    expect(tally.harmless).toBeGreaterThan(0);
  });
});
