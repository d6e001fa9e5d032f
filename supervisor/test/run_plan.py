"""Tests of `run-plan`: run_plan.py PROGRAM [--only NAME]. Short and bounded; each test has a folder of its own as its root."""
import os, pty, re, select, shutil, signal, subprocess, sys, tempfile, time, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from plan import *

PROGRAM = sys.argv[1]
ENV = {'PATH': '/nowhere', 'LANG': 'C.UTF-8', 'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '')}
TESTS = []


def test(f):
    TESTS.append(f)
    return f


class Place:
    def __init__(self):
        self.base = os.path.realpath(tempfile.mkdtemp(prefix='corral-plan-'))
        self.root = os.path.join(self.base, 'root')
        self.outside = os.path.join(self.base, 'outside')
        os.mkdir(self.root)
        os.mkdir(self.outside)

    def path(self, name):
        return os.path.join(self.root, name)

    def make(self, *names, content='x\n'):
        for name in names:
            os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
            with open(self.path(name), 'w') as f:
                f.write(content)

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def raw(self, args, **options):
        options.setdefault('cwd', self.root)
        return subprocess.run([PROGRAM, 'run-plan', *args], env=ENV, capture_output=True, timeout=20, **options)

    def run(self, *steps, roots=None, readable=(), report=False, **options):
        r = self.raw(arguments(plan(*steps, roots=[self.root] if roots is None else roots, readable=readable, report=report)), **options)
        assert b'Sanitizer' not in r.stderr and b'runtime error' not in r.stderr, r.stderr
        return r

    def words(self, *words):
        """What a program is given for these words."""
        r = self.run(step(command('printf', '%s\\n', *words)))
        assert r.returncode == 0, r
        return r.stdout.decode(errors='surrogateescape').split('\n')[:-1]


def exits(code, *redirects):
    return command('sh', '-c', f'exit {code}', redirects=redirects)


def say(text, *redirects):
    return command('printf', '%s\\n', text, redirects=redirects)


@test
def lists(p):
    assert p.run(step(say('a')), step(say('b'))).stdout == b'a\nb\n'
    for first, when, runs in ((0, SUCCESS, True), (3, SUCCESS, False), (0, FAILURE, False), (3, FAILURE, True)):
        r = p.run(step(exits(first)), step(say('x'), when=when))
        assert (r.stdout == b'x\n') == runs and r.returncode == (0 if runs else first), (first, when, r)
    # false && say a || say b
    assert p.run(step(exits(1)), step(say('a'), when=SUCCESS), step(say('b'), when=FAILURE)).stdout == b'b\n'
    # true || say a && say b
    assert p.run(step(exits(0)), step(say('a'), when=FAILURE), step(say('b'), when=SUCCESS)).stdout == b'b\n'
    assert p.run(step(exits(7))).returncode == 7 and p.run(step(exits(7)), step(exits(0), when=SUCCESS)).returncode == 7


@test
def pipelines(p):
    assert p.run(step(say('b\na'), command('sort'), command('tr', 'a-z', 'A-Z'))).stdout == b'A\nB\n'
    assert p.run(step(exits(3), exits(0))).returncode == 0 and p.run(step(exits(0), exits(3))).returncode == 3
    # A reader that goes away ends its writer, by the signal.
    r = p.run(step(command('yes'), command('head', '-n', '1')), report=True)
    assert r.stdout == b'y\n' and r.stderr == b'corral: statuses 141|0\n', r
    assert p.run(step(*[command('cat')] * 40), input=b'through').stdout == b'through'
    r = p.run(step(exits(1), exits(2)), step(say('no'), when=SUCCESS), step(command('nosuch', path='', redirects=[to_null(2)])), report=True)
    assert r.stderr == b'corral: statuses 1|2 - 127\n' and r.returncode == 127, r
    # More than a pipe holds, through three programs, while all of them run.
    assert p.run(step(command('head', '-c', '300000', '/dev/zero'), command('cat'), command('wc', '-c'))).stdout.strip() == b'300000'


@test
def standard_input(p):
    assert p.run(step(command('cat')), input=b'in\n').stdout == b'in\n'
    assert p.run(step(command('cat', redirects=[feeding('quoted $x\n')]))).stdout == b'quoted $x\n'
    big = 'z' * 200000
    assert p.run(step(command('wc', '-c', redirects=[feeding(big)]))).stdout.strip() == b'200000'
    assert p.run(step(command('cat', redirects=[to_null(0)])), input=b'in').stdout == b''


@test
def statuses(p):
    r = p.run(step(command('nosuch', path='')))
    assert r.returncode == 127 and r.stderr == b'corral: nosuch: command not found\n', r
    r = p.run(step(command('gone', path='/usr/bin/no-such-program')), step(say('on')))
    assert r.returncode == 0 and r.stdout == b'on\n' and r.stderr == b'corral: gone: No such file or directory\n', r
    p.make('plain')
    r = p.run(step(command('plain', path=p.path('plain'))))
    assert r.returncode == 126 and b'Permission denied' in r.stderr, r
    r = p.run(step(command('d', path='/usr/bin')))
    assert r.returncode == 126 and b'Is a directory' in r.stderr, r
    os.chmod(p.path('plain'), 0o755)
    r = p.run(step(command('plain', path=p.path('plain'))))
    assert r.returncode == 126 and b'Exec format error' in r.stderr, r
    p.make('orphan', content='#!/no/such/interpreter\n')
    os.chmod(p.path('orphan'), 0o755)
    r = p.run(step(command('orphan', path=p.path('orphan'))))
    assert r.returncode == 127 and b'the program that runs this script' in r.stderr, r
    kills = command('sh', '-c', 'kill -KILL $$')
    assert p.run(step(kills)).returncode == -signal.SIGKILL
    r = p.run(step(kills), step(exits(0), when=SUCCESS))
    assert r.returncode == 137 and r.stderr == b'corral: sh: Killed\n', r


@test
def programs(p):
    # argv[0] is the name; scripts see their path; the process is called what it is.
    p.make('script', content='#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n')
    os.chmod(p.path('script'), 0o755)
    assert p.run(step(command('other', 'a', '', 'b c', path=p.path('script')))).stdout.decode() == f'{p.path("script")}\na\n\nb c\n'
    assert p.run(step(command('called', '/proc/self/cmdline', path='/usr/bin/cat'))).stdout == b'called\0/proc/self/cmdline\0'
    assert p.run(step(command('cat', '/proc/self/comm', path=os.path.realpath('/usr/bin/cat')))).stdout == b'cat\n'
    st = os.stat('/usr/bin/cat')
    good = command('cat', '/dev/null', device=st.st_dev, inode=st.st_ino)
    assert p.run(step(good)).returncode == 0
    for device, inode in ((st.st_dev, st.st_ino + 1), (st.st_dev + 1, st.st_ino)):
        r = p.run(step(command('cat', '/dev/null', device=device, inode=inode)))
        assert r.returncode == 126 and b'not the file that was decided on' in r.stderr, r
    r = p.run(step(command('env', env=['LC_ALL=C', 'LANG=x']), command('sort')), step(command('env')))
    lines = r.stdout.decode().split('\n')
    assert 'LC_ALL=C' in lines and 'LANG=x' in lines and lines.count('LANG=C.UTF-8') == 1 and f'PWD={p.root}' in lines, r
    # Nothing is inherited but the three.
    read, write = os.pipe()
    assert p.run(step(command('ls', '/proc/self/fd')), pass_fds=[read]).stdout.split()[:3] == [b'0', b'1', b'2']
    fds = p.run(step(say('x'), command('ls', '/proc/self/fd')), pass_fds=[read]).stdout.split()
    assert fds == [b'0', b'1', b'2', b'3'], fds    # 3 is the folder that ls reads
    os.close(read)
    os.close(write)


@test
def redirections(p):
    r = p.run(step(command('sh', '-c', 'echo out; echo err >&2', redirects=[writing('a'), to_fd(2, 1)])),
              step(command('cat', redirects=[reading('a')])), step(say('more', appending('a'))), step(say('new', writing('b'))), umask=0o027)
    assert r.returncode == 0 and r.stdout == b'out\nerr\n' and p.read('a') == 'out\nerr\nmore\n' and p.read('b') == 'new\n', r
    # In order: 2>&1 before >file keeps the old stdout.
    r = p.run(step(command('sh', '-c', 'echo out; echo err >&2', redirects=[to_fd(2, 1), writing('c')])))
    assert r.stdout == b'err\n' and p.read('c') == 'out\n', r
    p.run(step(say('short', writing('a'))))
    assert p.read('a') == 'short\n'
    assert p.run(step(say('x', to_null(1)))).stdout == b''
    r = p.run(step(command('nosuch', path='', redirects=[to_null(2)])))
    assert r.returncode == 127 and r.stderr == b'', r
    r = p.run(step(command('cat', redirects=[reading('missing')])), step(say('on'), when=FAILURE))
    assert r.stdout == b'on\n' and r.stderr == b'corral: missing: No such file or directory\n', r
    assert os.stat(p.path('b')).st_mode & 0o777 == 0o640


@test
def roots(p):
    p.make('dir/f', 'in')
    with open(os.path.join(p.outside, 'secret'), 'w') as f:
        f.write('secret')
    os.symlink(p.outside, p.path('out'))
    os.symlink(p.outside + '/secret', p.path('link'))
    os.symlink('in', p.path('near'))
    os.symlink(p.path('dir'), p.path('dirlink'))
    os.mkfifo(p.path('fifo'))
    os.mkdir(p.path('.hidden'))

    def refused(text, redirect, **options):
        r = p.run(step(command('cat', redirects=[redirect])), **options)
        assert r.returncode == 1 and text in r.stderr.decode() and r.stdout == b'', (text, r)

    for path in ('link', 'out/secret', '../outside/secret', p.outside + '/secret', '/etc/passwd', '/proc/self/root/etc/passwd'):
        refused('leads outside the workspace', reading(path))
    # A neighbour whose name begins like the root's.
    p.make('x/f', '../rootx/f')
    refused('leads outside the workspace', reading('../rootx/f'))
    refused('leads outside the workspace', writing('../rootx/f'))
    for path in ('out/new', '../new', p.outside + '/new', 'dir/../../new', '/tmp/../' + p.outside + '/new'):
        refused('leads outside the workspace', writing(path))
    for path in ('near', 'link'):
        refused('a link is not written through', writing(path))
        refused('a link is not written through', appending(path))
    for path in ('.rc', '.hidden/f', 'dir/.f', p.path('.rc')):
        refused('a hidden file is not written to', writing(path))
    refused('not a regular file', reading('fifo'))
    refused('not a regular file', writing('fifo'))
    refused('Is a directory', writing('dir'))
    refused('Is a directory', writing('dir/'))
    refused('Is a directory', reading('dir'))
    refused('', writing('dir/f/x'))
    assert os.listdir(p.outside) == ['secret'] and not os.path.exists(p.path('.rc')) and os.listdir(p.path('.hidden')) == []
    # Links that stay inside are followed for reading, and folders on the way are in any case.
    for path in ('near', 'dirlink/f', 'dir/../dir/f', p.path('dir/f')):
        assert p.run(step(command('cat', redirects=[reading(path)]))).stdout == b'x\n', path
    assert p.run(step(say('y', writing('dirlink/g')))).returncode == 0 and p.read('dir/g') == 'y\n'
    # Named files beside the roots may be read, and only read.
    assert p.run(step(command('wc', '-l', redirects=[reading('/etc/passwd')])), readable=['/etc/passwd']).returncode == 0
    refused('leads outside', writing('/etc/passwd'), readable=['/etc/passwd'])
    refused('leads outside', reading('/etc/group'), readable=['/etc/passwd'])
    # Several roots; a root given by a link; none at all.
    assert p.run(step(say('z', writing(p.outside + '/made'))), roots=[p.root, p.outside]).returncode == 0
    os.symlink(p.root, p.base + '/alias')
    assert p.run(step(command('cat', redirects=[reading('in')])), roots=[p.base + '/alias']).stdout == b'x\n'
    for wrong in ([], [p.outside], [p.path('dir')], [p.root + 'x']):
        r = p.run(step(say('never')), roots=wrong)
        assert r.returncode == 125 and r.stdout == b'', (wrong, r)


@test
def globs(p):
    p.make('a.ts', 'b.ts', 'c.js', '.hid.ts', 'sub/x.ts', 'sub/y.js', 'sub/.z.ts', 'tub/x.ts', 'B.ts', 'é.txt', '-dash.ts', 'sp ace', '[x]', '*star', 'a\\b')
    with open(os.fsencode(p.root) + b'/\xff\xfe.bin', 'w'):
        pass
    os.symlink('nowhere', p.path('dangling'))
    os.symlink('sub', p.path('subl'))
    w = p.words
    assert w([glob('*'), '.ts']) == ['./-dash.ts', 'B.ts', 'a.ts', 'b.ts'], w([glob('*'), '.ts'])
    assert w([glob('[ab]'), '.ts']) == ['a.ts', 'b.ts'] and w([glob('[!ab]'), '.ts']) == ['B.ts'] and w([glob('[^a-z]'), '.ts']) == ['B.ts']
    assert w([glob('[[:upper:]]'), '.ts']) == ['B.ts'] and w([glob('[[:upper:]b-]'), '.ts']) == ['B.ts', 'b.ts'] and w([glob('[z-a]'), '.ts']) == ['[z-a].ts']
    assert w(['.', glob('*'), '.ts']) == ['.hid.ts'] and w(['.', glob('*')]) == ['.hid.ts'] and w([glob('?'), 'hid.ts']) == ['?hid.ts'] and w([glob('[.]'), 'hid.ts']) == ['[.]hid.ts']
    assert w([glob('*'), '/x.ts']) == ['sub/x.ts', 'subl/x.ts', 'tub/x.ts'] and w(['sub/', glob('*')]) == ['sub/x.ts', 'sub/y.js'] and w([glob('s*'), '/', glob('*.js')]) == ['sub/y.js', 'subl/y.js']
    assert w([glob('*'), '/']) == ['sub/', 'subl/', 'tub/'] and w([glob('*'), '/.', glob('*')]) == ['sub/.z.ts', 'subl/.z.ts']
    assert w(['./', glob('*'), '.js']) == ['./c.js'] and w([p.root + '/', glob('*'), '.js']) == [p.path('c.js')]
    assert w(['-', glob('*')]) == ['./-dash.ts'] and w(['./-', glob('*')]) == ['./-dash.ts']
    assert w(['no', glob('*')]) == ['no*'] and w(['no[', glob('*')]) == ['no[*'] and w(['a.ts/', glob('*')]) == ['a.ts/*']
    assert w(['*', glob('*')]) == ['*star'] and w(['[x', glob('?')]) == ['[x]'] and w(['[', glob('*'), ']']) == ['[x]'] and w(['a\\', glob('?')]) == ['a\\b']
    assert w([glob('?'), '.txt']) == ['é.txt'] and w([glob('[é]'), '.txt']) == ['é.txt'] and w([glob('[à-ü]'), '.txt']) == ['é.txt'] and w([glob('??'), '.txt']) == ['??.txt']
    assert w([glob('??'), '.bin']) == ['\udcff\udcfe.bin'] and w(['sp', glob('?'), 'ace']) == ['sp ace'] and w(['dangl', glob('*')]) == ['dangling']
    assert w([glob('*?*'), '.', glob('[jt]'), glob('[s]')]) == ['./-dash.ts', 'B.ts', 'a.ts', 'b.ts', 'c.js']
    assert w('') == [''] and w(['a', '', 'b']) == ['ab'] and w([glob('*'), 'Z', glob('*')]) == ['*Z*']
    assert w(['sub//', glob('x*')]) == ['sub//x.ts'] and w([glob('t*'), '//x.ts']) == ['tub/x.ts'] and w([glob('t*'), '///']) == ['tub/'] and w(['.//', glob('t*'), '/.//', glob('*')]) == ['.//tub/./x.ts']
    # No file that the command itself makes.
    r = p.run(cd('tub'), step(command('printf', '%s,', [glob('*')], redirects=[writing('made')])))
    assert p.read('tub/made') == 'x.ts,', r


@test
def globs_inside(p):
    p.make('a', 'd/b')
    with open(os.path.join(p.outside, 'secret'), 'w') as f:
        f.write('secret')
    assert p.words(([glob('*')], True)) == ['a', 'd']
    os.symlink(p.outside + '/secret', p.path('k'))
    r = p.run(step(command('cat', ([glob('*')], True))))
    assert r.returncode == 126 and r.stdout == b'' and b'cat: k: ' in r.stderr, r
    assert p.words([glob('*')]) == ['a', 'd', 'k'] and p.words(([glob('[ad]')], True)) == ['a', 'd']
    assert p.run(step(command('cat', (['../outside/', glob('*')], True)))).returncode == 126


@test
def glob_bounds(p):
    for i in range(3):
        os.symlink('.', p.path(f'loop{i}'))
    t = time.monotonic()
    r = p.run(step(command('printf', '%s', [glob('*'), *(['/', glob('*')] * 30)])))
    assert r.returncode == 126 and b'Argument list too long' in r.stderr and time.monotonic() - t < 10, r
    # Nor do folders without a match go on for ever.
    r = p.run(step(command('printf', '%s', [glob('*'), *(['/', glob('*')] * 30), '/none', glob('*')])))
    assert r.returncode == 126 and b'Argument list too long' in r.stderr, r
    p.make(*[f'deep/{"n" * 100}{i}' for i in range(50)])
    # 5000 stars and no match: the matcher does not explode.
    t = time.monotonic()
    assert p.words(['deep/', *[glob('*n')] * 400, 'z']) == ['deep/' + '*n' * 400 + 'z'] and time.monotonic() - t < 5


@test
def folders(p):
    p.make('d/e/f')
    os.symlink(p.outside, p.path('out'))
    os.symlink('d/e', p.path('short'))
    pwd = command('sh', '-c', 'echo $PWD $OLDPWD; pwd -P')
    assert p.run(cd('d'), cd('e'), step(pwd)).stdout.decode() == f'{p.path("d/e")} {p.path("d")}\n{p.path("d/e")}\n'
    assert p.run(cd('short'), cd('..'), step(command('pwd'))).stdout.decode() == p.path('d') + '\n'    # as cd -P has it
    for path in ('out', '..', '/', 'd/../..', p.base):
        r = p.run(cd(path), step(say('moved'), when=SUCCESS), step(command('pwd')))
        assert r.stdout.decode() == p.root + '\n' and f'corral: cd: {path}: leads outside the workspace' in r.stderr.decode(), r
    assert p.run(cd('d/e/f')).returncode == 1 and b'Not a directory' in p.run(cd('d/e/f')).stderr
    assert b'corral: cd: no: No such file' in p.run(cd('no')).stderr
    assert p.run(cd('d'), step(say('x', writing('made')))).returncode == 0 and p.read('d/made') == 'x\n'
    assert p.run(step(exits(1)), cd('d', when=SUCCESS), step(command('pwd'))).stdout.decode() == p.root + '\n'


@test
def timing(p):
    r = p.run(step(command('sleep', '0.05'), timed=True))
    assert r.returncode == 0 and re.fullmatch(rb'\nreal\t0m\d+\.\d{3}s\nuser\t0m\d+\.\d{3}s\nsys\t0m\d+\.\d{3}s\n', r.stderr) and b'real\t0m0.000' not in r.stderr, r
    assert p.run(step(exits(4), timed=True)).returncode == 4


@test
def interrupts(p):
    """As in a shell, the interrupt of a terminal ends the list when it ended the program, and not when the program handled it."""
    for script, goes_on in (('echo ready; exec /usr/bin/sleep 20', False), ('trap "exit 0" INT; echo ready; /usr/bin/sleep 20 >/dev/null 2>&1 & wait', True)):
        child = subprocess.Popen([PROGRAM, 'run-plan', *arguments(plan(step(command('sh', '-c', script)), step(say('on')), roots=[p.root]))],
                                 cwd=p.root, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        assert child.stdout.readline() == b'ready\n'
        time.sleep(0.05)
        os.killpg(child.pid, signal.SIGINT)
        out = child.communicate(timeout=10)[0]
        assert (out == b'on\n') == goes_on and child.returncode == (0 if goes_on else -signal.SIGINT), (script, out, child.returncode)
        try:
            os.killpg(child.pid, signal.SIGKILL)    # the sleep that was left in the background
        except ProcessLookupError:
            pass


@test
def malformed(p):
    good = plan(step(command('echo', 'x', redirects=[writing('made')])), roots=[p.root])
    texts = arguments(good)[0]
    cases = [['!'], ['AAA'], ['===='], [texts[:-4]], [texts + 'AAAA'], [texts[:-2] + '=A'], [''], ['A' * (1500 * 1024 // 16)] * 16]
    cases += [arguments(good[:n]) for n in range(0, len(good), 1 if "asan" not in PROGRAM else 4)]
    for at in range(0, len(good), 1 if "asan" not in PROGRAM else 4):
        cases.append(arguments(good[:at] + b'\xff' + good[at + 1:]))
    wrong = [good + b'\0', good + good, plan(roots=[p.root]), plan(step(command('x')), roots=['relative']), plan(step(command('x')), version=2), plan(step(command('')), roots=[p.root]),
             plan(step(command(['x', glob('*')], path='/bin/x'))), plan(step(command('x', path='bin/x'))), plan(step(command('x', env=['=a']))),
             plan(step(command('x', [glob('[')]))), plan(step(command('x', [glob('a/*')]))), plan(step(command('x', [glob('\\*')]))), plan(cd('')),
             plan(step(command('x\0y'))), plan(step(*[command('x')] * 65)), plan(step(command('x')), roots=['/'] * 65), plan(*[step(command('x'))] * 4097),
             plan(step(command('x', redirects=[writing('')]))), plan(step(command('x', redirects=[bytes([3, 2])])))]
    cases += [arguments(b) for b in wrong]
    refused = 0
    for args in cases:
        r = p.raw(args)
        assert r.returncode >= 0 and b'Sanitizer' not in r.stderr and b'runtime error' not in r.stderr, (args, r)
        refused += r.returncode == 125
    for args in cases[:8] + [arguments(b) for b in wrong]:
        r = p.raw(args)
        assert r.returncode == 125 and r.stdout == b'' and b'corral: not a plan: ' in r.stderr, (args, r)
    assert refused > len(cases) // 2, (refused, len(cases))


def main():
    only = sys.argv[sys.argv.index('--only') + 1] if '--only' in sys.argv else None
    failed = 0
    for f in TESTS:
        if only and f.__name__ != only:
            continue
        t = time.monotonic()
        place = Place()
        print(f'  {f.__name__}', end='', flush=True)
        try:
            f(place)
            verdict = 'ok'
        except Exception:
            failed += 1
            verdict = 'FAILED\n' + traceback.format_exc()
        shutil.rmtree(place.base, ignore_errors=True)
        print(f'  {verdict} ({(time.monotonic() - t) * 1000:.0f} ms)', flush=True)
    print(f'{failed} failed' if failed else 'all passed')
    sys.exit(1 if failed else 0)


main()
