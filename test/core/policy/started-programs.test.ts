import { describe, expect, it } from 'vitest';
import { programsOfArgv, programsOfText } from '../../../src/core/policy/started-programs.ts';

const names = (text: string, dialect: 'sh' | 'bash' = 'sh'): readonly string[] | string => {
  const started = programsOfText(text, dialect);
  return started.known ? started.names : started.reason;
};

describe('programs that a text starts', () => {
  it.each<[string, readonly string[]]>([
    ['ls -l', ['ls']],
    ['echo rm', ['echo']],
    ['echo "rm -rf /"; git commit -m "rm; dd"', ['echo', 'git']],
    ['/bin/rm x', ['/bin/rm']],
    ['~/bin/tool x', ['~/bin/tool']],
    ["r''m x", ['rm']],
    ['r\\m x', ['rm']],
    ['"rm" x', ['rm']],
    ["$'\\x72m' x", ['rm']],
    ['true;rm x', ['true', 'rm']],
    ['true&rm x', ['true', 'rm']],
    ['a && b || c | d |& e', ['a', 'b', 'c', 'd', 'e']],
    ['echo $(rm x)', ['echo', 'rm']],
    ['echo "`rm x`"', ['echo', 'rm']],
    ['echo ${a:-$(rm x)}', ['echo', 'rm']],
    ['echo $(( $(rm x) + 1 ))', ['echo', 'rm']],
    ['x=$(rm x)', ['rm']],
    ['A=1 rm x', ['rm']],
    ['> $(rm x)', ['rm']],
    ['cat <<EOF\n$(rm x)\nEOF', ['cat', 'rm']],
    ["cat <<'EOF'\n$(rm x)\nEOF", ['cat']],
    ['f() { rm x; }; f', ['rm', 'f']],
    ['if a; then b; elif c; then d; else e; fi', ['a', 'b', 'c', 'd', 'e']],
    ['for i in 1 2; do rm $i; done', ['rm']],
    ['while read l; do rm "$l"; done < f', ['read', 'rm']],
    ['case $x in a) rm x;; *) ls;; esac', ['rm', 'ls']],
    ['(cd a; rm x)', ['cd', 'rm']],
    ['{ rm x; }', ['rm']],
    ['! rm x', ['rm']],
    ['time rm x', ['rm']],
  ])('%j', (text, wanted) => expect(new Set(names(text))).toEqual(new Set(wanted)));

  it.each<[string, readonly string[]]>([
    ['diff <(rm x) b', ['diff', 'rm']],
    ['[[ -n a && -z b ]] && rm x', ['rm']],
    ['coproc rm x', ['rm']],
    ['select i in a; do rm $i; done', ['rm']],
    ['for ((i=0; i<$(rm x); i++)); do ls; done', ['rm', 'ls']],
    ['a=(1 $(rm x))', ['rm']],
  ])('in bash: %j', (text, wanted) => expect(new Set(names(text, 'bash'))).toEqual(new Set(wanted)));
});

describe('programs behind programs', () => {
  it.each<[string, readonly string[]]>([
    ['env -i A=1 rm x', ['env', 'rm']],
    ['env -u B rm x', ['env', 'rm']],
    ['env --chdir /tmp rm x', ['env', 'rm']],
    ['xargs rm < f', ['xargs', 'rm']],
    ['xargs -n 1 -0 rm', ['xargs', 'rm']],
    ['xargs -I {} rm {}', ['xargs', 'rm']],
    ['ls | xargs grep rm', ['ls', 'xargs', 'grep']],
    ['sudo -u root -- rm x', ['sudo', 'rm']],
    ['sudo -n nice -n 5 timeout -k 1 10 rm x', ['sudo', 'nice', 'timeout', 'rm']],
    ['timeout --kill 1 10 rm x', ['timeout', 'rm']],
    ['nohup setsid stdbuf -oL rm x', ['nohup', 'setsid', 'stdbuf', 'rm']],
    ['flock /tmp/l rm x', ['flock', 'rm']],
    ["flock /tmp/l -c 'rm x'", ['flock', 'rm']],
    ["su me -c 'rm x'", ['su', 'rm']],
    ['watch -n 1 rm x', ['watch', 'rm']],
    ['busybox rm x', ['busybox', 'rm']],
    ['command rm x', ['command', 'rm']],
    ['exec -a ls rm x', ['exec', 'rm']],
    ["sh -c 'ls; rm x'", ['sh', 'ls', 'rm']],
    ["bash -euxc 'rm x' a b", ['bash', 'rm']],
    ["bash -o pipefail -c 'rm x'", ['bash', 'rm']],
    ['sh -c "sh -c \'rm x\'"', ['sh', 'rm']],
    ["sh <<'E'\nrm x\nE", ['sh', 'rm']],
    ["bash <<< 'rm x'", ['bash', 'rm']],
    ["eval 'rm x'", ['eval', 'rm']],
    ["trap 'rm x' EXIT", ['trap', 'rm']],
    ['find . -name rm -exec rm {} +', ['find', 'rm']],
    ['find . -name rm', ['find']],
    ['command -v rm', ['command']],
    ['jobs -x rm x', ['jobs', 'rm']],
    ['sh build.sh', ['sh']],
    ['. ./env.sh', ['.']],
  ])('%j', (text, wanted) => expect(new Set(names(text))).toEqual(new Set(wanted)));

  it.each(['parallel rm ::: a', "tmux new-session 'cd /; rm x'", 'fd . -x rm', 'systemd-run --user rm x'])(
    'any word may be one: %j',
    (text) => {
      expect(names(text)).toContain('rm');
    },
  );

  it('of an argv', () => {
    expect(programsOfArgv(['env', 'rm', 'x'])).toEqual({ known: true, names: ['env', 'rm'] });
    expect(programsOfArgv(['echo', '$(rm x)'])).toEqual({ known: true, names: ['echo'] });
    expect(programsOfArgv([])).toEqual({ known: true, names: [] });
  });
});

describe('what is not known beforehand', () => {
  it.each([
    ...['$X x', '${X}m x', '$(echo rm) x', '`echo rm` x', '"$@"', 'r?m x', '/bin/r* x', '{rm,x}', 'a=rm; $a x', '"$HOME/bin/x"'],
    ...[
      'env $X x',
      'xargs $X',
      'sudo "$X"',
      'nice -n $N rm',
      'xargs -I{} {} x',
      'xargs -I X sh -c X',
      'xargs -i {} x',
      'xargs --replace {} x',
    ],
    ...['echo rm | xargs env', 'echo rm | xargs nice -n 5', 'ls | xargs sh', 'xargs -a f rm', "env -S 'rm x'", 'xargs find .'],
    ...[
      'sh -c "$X"',
      'sh -c "rm $X"',
      'echo rm x | sh',
      'curl x | bash',
      'bash -s < f',
      'sh /dev/stdin',
      'eval "$X"',
      'trap "$X" EXIT',
      'sh <<E\nrm $x\nE',
    ],
    ...[
      'alias x=rm',
      'hash -p /bin/rm ls',
      'enable -f x.so rm',
      'mapfile -C rm a',
      '. /dev/stdin',
      'source "$X"',
      'at now',
      "compgen -C 'rm x' a",
      'bind -x \'"a": rm\'',
      'fc -s rm',
    ],
    ...[
      "test -v 'a[$(rm x)]'",
      "let 'a[$(rm)]=1'",
      'find . $X',
      'bwrap --dev-bind / / rm',
      'if',
      'echo "',
      'echo $(',
      '\u0001',
      `${'('.repeat(5000)}`,
    ],
    ...['[[ a && rm x ]]', '((rm x))', 'x'.repeat(70_000), '$('.repeat(3000)],
  ])('%j', (text) => {
    const started = programsOfText(text, 'sh');
    expect(started.known ? started.names : undefined).toBeUndefined();
  });

  it('takes no time to find out', () => {
    for (const text of [
      'a;'.repeat(20_000),
      '$('.repeat(20_000),
      '`'.repeat(30_000),
      "sh -c '".repeat(5000),
      '{ '.repeat(20_000),
      'env '.repeat(10_000),
      '<<E '.repeat(10_000),
    ]) {
      const began = performance.now();
      programsOfText(text, 'bash');
      expect(performance.now() - began, text.slice(0, 8)).toBeLessThan(1000);
    }
  });
});
