"""Tests of what executions are told to have changed: run_changes.py PROGRAM [--bwrap] [--only NAME]. Every test gets a supervisor of its own."""
import os, shutil, signal, sys, time, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import *

PROGRAM = sys.argv[1]
BWRAP = '--bwrap' in sys.argv
SLOW = 4 if 'asan' in PROGRAM else 1
PY = shutil.which('python3', path='/usr/bin:/bin') or '/usr/bin/python3'
TESTS = []


def test(prepare=None, **config):
    def add(f):
        TESTS.append((f, prepare, config))
        return f
    return add


class Watched(Supervisor):
    """Its root is its workspace, filled by `prepare` before it starts."""

    def __init__(self, prepare, extra=(), **config):
        base = tempfile.mkdtemp(prefix='corral-changes-')
        root = os.path.join(base, 'root')
        os.mkdir(root)
        self.base = base
        if prepare:
            prepare(root)
        super().__init__(PROGRAM, prefix=in_bwrap(PROGRAM) if BWRAP else None, place=base, roots=[root, '/tmp'],
                         workspaces=[root] + [os.path.join(root, name) for name in extra], **config)


def make(*paths):
    def prepare(root):
        for path in paths:
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            if not path.endswith('/'):
                with open(os.path.join(root, path), 'w') as f:
                    f.write('old\n')
    return prepare


def folders(n):
    def prepare(root):
        for i in range(n):
            os.makedirs(f'{root}/{i % 40}/{i}', exist_ok=True)
    return prepare


unique = 0


def change(sv, c, script, timeout=20, **options):
    """What a shell text, run in the workspace, is told to have changed."""
    global unique
    unique += 1
    e = c.sh(f'e{unique}', script, cwd=sv.root, timeout=timeout, **options)
    assert (e.kind, e.code) == ('exited', 0), (e.out, e.err, e.message)
    return e.changes


def same(found, created=(), changed=(), removed=(), more=0, why=''):
    for name, wanted in (('created', created), ('changed', changed), ('removed', removed)):
        wanted = sorted(w if isinstance(w, bytes) else w.encode() for w in wanted)
        assert sorted(found[name]) == wanted, f'{name}: {found[name]}, expected {wanted}'
    assert found.more == more and found.why == why and found.complete == 1, found


@test(make('old', 'gone', 'a/b/deep'))
def kinds(sv, c):
    same(change(sv, c, 'true'))
    same(change(sv, c, 'cat old a/b/deep; ls -R; test -f gone'))
    same(change(sv, c, 'echo x > new; echo y >> old; rm gone; echo z > a/b/deep; chmod 600 a/b/deep'),
         ['new'], ['old', 'a/b/deep'], ['gone'])
    same(change(sv, c, 'echo x > t; rm t; mkdir d; rmdir d; mktemp -p . >/dev/null; rm tmp.*'))
    same(change(sv, c, 'rm old; echo again > old'), [], ['old'])
    same(change(sv, c, 'touch n; echo x > n; chmod 700 n'), ['n'])
    same(change(sv, c, 'truncate -s 0 n; ln -s n link; ln n hard; mkfifo fifo'), ['link', 'hard', 'fifo'], ['n'])


@test(make('old', 'a/x', 'a/sub/y', 'lone/z'))
def renames(sv, c):
    same(change(sv, c, 'mv old older'), ['older'], [], ['old'])
    same(change(sv, c, 'echo new > .t; mv .t older'), [], ['older'])
    same(change(sv, c, 'echo new > .t; mv .t fresh'), ['fresh'])
    same(change(sv, c, 'sed -i s/n/m/ older'), [], ['older'])
    same(change(sv, c, 'mv a b; echo n > b/sub/n'), ['b/', 'b/sub/n'], [], ['a/'])
    same(change(sv, c, 'echo n >> b/sub/y; echo n >> b/x'), [], ['b/sub/y', 'b/x'])
    same(change(sv, c, 'mkdir c; echo 1 > c/f; mv c d; echo 2 > d/g; rm d/f'), ['d/', 'd/g'])
    same(change(sv, c, 'echo 1 > b/in; mv b /tmp/out.$$; echo 1 > /tmp/out.$$/sub/q; rm -r /tmp/out.*'), [], [],
         # Another file system inside: mv copies and removes.
         ['b/', 'b/x', 'b/sub/', 'b/sub/n', 'b/sub/y'] if BWRAP else ['b/'])
    same(change(sv, c, 'mkdir /tmp/m.$$; echo 1 > /tmp/m.$$/f; mv /tmp/m.$$ m'), ['m/', 'm/f'])
    same(change(sv, c, 'echo 2 >> m/f; rm -r d'), [], ['m/f'], ['d/', 'd/g'])


@test(make('a/sub/y'))
def out_and_back(sv, c):
    """A folder that left is forgotten with all beneath, so that it is known anew when it comes back."""
    if BWRAP:
        return
    same(change(sv, c, 'mv a ../away'), [], [], ['a/'])
    same(change(sv, c, 'mv ../away back'), ['back/', 'back/sub/', 'back/sub/y'])
    same(change(sv, c, 'echo 1 >> back/sub/y; mkdir back/sub/n; echo 1 > back/sub/n/f'), ['back/sub/n/', 'back/sub/n/f'], ['back/sub/y'])


@test(make('dist/old', 'dist/sub/old'))
def rebuilt(sv, c):
    """A folder that is removed and made anew: what is in it is told, not the folder."""
    same(change(sv, c, 'rm -r dist; mkdir -p dist/sub; echo 1 > dist/old; echo 1 > dist/sub/new'), ['dist/sub/new'], ['dist/old'], ['dist/sub/old'])
    same(change(sv, c, 'echo 2 >> dist/sub/new'), [], ['dist/sub/new'])


@test()
def nested(sv, c):
    """What appears in a folder before it is watched is found all the same."""
    for i in range(12):
        depth = [f'n{i}/' + 'd/' * k for k in range(5)]
        same(change(sv, c, f'mkdir -p n{i}/d/d/d/d; echo 1 > n{i}/d/d/d/d/f; echo 1 > n{i}/d/g'), depth + [f'n{i}/d/d/d/d/f', f'n{i}/d/g'])
    found = change(sv, c, 'for i in 1 2 3 4 5 6 7 8 9; do mkdir -p w/$i/$i/$i; echo > w/$i/$i/$i/f; rm w/$i/$i/$i/f; done')
    same(found, ['w/'] + [f'w/{i}/' for i in range(1, 10)] + [f'w/{i}/{i}/' for i in range(1, 10)] + [f'w/{i}/{i}/{i}/' for i in range(1, 10)])


@test()
def many(sv, c):
    found = change(sv, c, 'mkdir d; i=0; while [ $i -lt 10000 ]; do : > d/f$i; i=$((i+1)); done', timeout=60)
    listed = len(found.created)
    assert listed == 100 and found.more == 10001 - listed and found.complete == 1, found
    found = change(sv, c, 'rm -r d', timeout=60)
    assert len(found.removed) == 100 and found.more == 10001 - 100 and found.complete == 1, found
    names = 'x' * 250
    found = change(sv, c, f'for i in 1 2 3 4 5 6 7 8 9; do for j in 1 2 3 4 5 6 7 8 9; do : > $i${{j}}{names}; done; done')
    assert sum(map(len, found.created)) <= 8192 and len(found.created) + found.more == 81, found


@test()
def hostile(sv, c):
    """100,000 files, as fast as they can be made: bounded, true, and nobody else is kept waiting."""
    if not os.path.exists(PY):
        return
    c.spawn('h', [PY, '-c', 'import os\nfor i in range(100000): os.close(os.open("f%d" % i, 577))'], cwd=sv.root)
    worst = 0
    while True:
        t = time.monotonic()
        listed = c.list()
        worst = max(worst, time.monotonic() - t)
        if listed['h'].state == 2:
            break
        time.sleep(0.02)
    e = c.exit('h', 60)
    assert e.code == 0 and not e.changes.complete and len(e.changes.created) == 100, e.changes
    assert 'told apart' in e.changes.why or 'dropped' in e.changes.why, e.changes
    assert worst < 0.25 * SLOW, worst
    c.ack('h')
    c.sh('rm', 'find . -type f -delete', cwd=sv.root, timeout=60)
    until = time.monotonic() + 10
    while True:
        found = change(sv, c, 'echo 1 > after')
        if found.complete or time.monotonic() > until:
            break
        time.sleep(0.2)
    assert found.complete and (found.created + found.changed) == [b'after'], found


@test()
def overflow(sv, c):
    """More notices than the kernel keeps: said, and all is looked at anew."""
    if BWRAP:
        return
    c.spawn('a', ['/bin/sh', '-c', 'read x'], cwd=sv.root, flags=2)
    most = int(open('/proc/sys/fs/inotify/max_queued_events').read())
    if most > 100000:
        return
    os.kill(sv.pid, signal.SIGSTOP)
    os.mkdir(sv.root + '/flood')
    for i in range(most // 2 + 100):
        os.mkdir(f'{sv.root}/{i}')
        os.rmdir(f'{sv.root}/{i}')
    os.mkdir(sv.root + '/unseen')
    os.kill(sv.pid, signal.SIGCONT)
    c.input('a', b'\n', eof=True)
    found = c.exit('a').changes
    # A slow machine is not through with reading when the end is told, and says that instead.
    assert not found.complete and ('dropped' in found.why or 'still being read' in found.why), found
    until = time.monotonic() + 10
    while not change(sv, c, 'true').complete and time.monotonic() < until:
        time.sleep(0.1)
    same(change(sv, c, 'echo 1 > unseen/f; echo 1 > flood/f'), ['unseen/f', 'flood/f'])


@test()
def names(sv, c):
    """A name may hold any byte."""
    if not os.path.exists(PY):
        return
    e = c.run('n', [PY, '-c', r'''
import os
for name in (b"new\nline", b"\xff\xfe", b"\x1b[2J\x1b]0;t\x07", b" ", b"\xe2\x80\xae", b"y" * 255): os.close(os.open(name, 577))'''], cwd=sv.root)
    same(e.changes, [b'new\nline', b'\xff\xfe', b'\x1b[2J\x1b]0;t\x07', b' ', b'\xe2\x80\xae', b'y' * 255])


OTHERS = 'others were at work at the same time: what they changed is among these'


@test()
def at_once(sv, c):
    c.spawn('a', ['/bin/sh', '-c', 'echo 1 > a; read x; echo 2 > b'], cwd=sv.root, flags=2)
    while isinstance(c.inspect('a').input, str):  # it sits in its read: the file is written and closed
        time.sleep(0.005)
    same(change(sv, c, 'echo 1 > mine'), ['mine'], why=OTHERS)
    same(change(sv, c, 'true'))
    c.input('a', b'\n', eof=True)
    same(c.exit('a').changes, ['a', 'b', 'mine'], why=OTHERS)
    same(change(sv, c, 'echo 1 > alone'), ['alone'])


@test()
def left_behind(sv, c):
    c.sh('d', '(sleep 0.3; echo 1 > late; exec sleep 9) >/dev/null 2>&1 & echo', cwd=sv.root, ack=False)
    same(change(sv, c, 'while ! test -f late; do sleep 0.02; done'), ['late'], why=OTHERS)
    c.kill('d', grace_ms=0)


@test()
def by_request(sv, c):
    c.spawn('a', ['/bin/sh', '-c', 'read x; echo 1 > a'], cwd=sv.root, flags=2)
    c.write(sv.root + '/written', b'x')
    c.input('a', b'\n', eof=True)
    same(c.exit('a').changes, ['a', 'written'], why=OTHERS)
    c.spawn('b', ['/bin/sh', '-c', 'read x; echo 1 > b'], cwd=sv.root, flags=2)
    elsewhere = f'/tmp/corral-elsewhere-{os.getpid()}'
    c.write(elsewhere, b'x')
    c.remove(elsewhere)
    c.input('b', b'\n', eof=True)
    same(c.exit('b').changes, ['b'])
    c.write(sv.root + '/before', b'x')
    same(change(sv, c, 'echo 1 > own'), ['own'])


@test(make('one/f', 'two/f'), extra=['two'])
def workspaces(sv, c):
    """Relative in the first, absolute in the others."""
    same(change(sv, c, 'echo 1 > one/n; echo 1 > two/n; mkdir two/d; echo 2 > two/d/m'),
         ['one/n', f'{sv.root}/two/n', f'{sv.root}/two/d/', f'{sv.root}/two/d/m'])


@test(folders(300))
def first_look(sv, c):
    same(change(sv, c, 'echo 1 > 7/7/n; echo 2 > 19/299/n'), ['7/7/n', '19/299/n'])


@test(folders(5000))
def too_many_folders(sv, c):
    time.sleep(0.3 * SLOW)
    found = change(sv, c, 'echo 1 > top; echo 1 > 3/n')
    assert sorted(found.created) == [b'3/n', b'top'] and not found.complete and 'more folders' in found.why, found
    c.sh('rm', 'rm -r [0-9]*', cwd=sv.root, timeout=30)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        found = change(sv, c, 'mkdir -p n/n; echo 1 > n/n/f; rm -r n')
        if found.complete:
            break
        time.sleep(0.1)
    same(found)


@test(make('locked/f'))
def denied(sv, c):
    if os.getuid() == 0:
        return
    os.chmod(sv.root + '/locked', 0)
    found = change(sv, c, 'mkdir closed; chmod 0 closed; echo 1 > n')
    os.chmod(sv.root + '/locked', 0o700)
    assert not found.complete and 'may not be read' in found.why, found


@test(make('a/x', 'b/y', 'empty/'))
def exchanged(sv, c):
    """What cannot be told apart is said; soon after all is well again."""
    found = change(sv, c, 'mv -T a empty; echo 1 > n')
    assert not found.complete and 'took the place' in found.why, found
    time.sleep(0.4)
    same(change(sv, c, 'echo 1 >> empty/x'), [], ['empty/x'])


@test()
def storm(sv, c):
    """Folders that are made, moved and removed by four at once: afterwards the tree is known as it is."""
    if not os.path.exists(PY):
        return
    program = '''
import os, random, shutil, sys, time
r = random.Random(int(sys.argv[1])); end = time.monotonic() + 1.0
def some():
    return "/".join("d%d" % r.randrange(3) for _ in range(r.randrange(1, 4)))
while time.monotonic() < end:
    try:
        k = r.randrange(5)
        if k == 0: os.makedirs(some())
        elif k == 1: os.rename(some(), some())
        elif k == 2: shutil.rmtree(some())
        elif k == 3: open(some() + "/f%d" % r.randrange(3), "w").write("x")
        else: os.rename(some() + "/f0", some() + "/f1")
    except OSError: pass
'''
    for i in range(4):
        c.spawn(f's{i}', [PY, '-c', program, str(i)], cwd=sv.root)
    for i in range(4):
        assert c.exit(f's{i}', 30).code == 0
    time.sleep(0.6 * SLOW)
    places = [os.path.relpath(d, sv.root) for d, _, _ in os.walk(sv.root)][:40]
    script = '; '.join(f'echo 1 > {p}/check' for p in places)
    same(change(sv, c, script), [os.path.normpath(f'{p}/check') for p in places])


def main():
    only = sys.argv[sys.argv.index('--only') + 1] if '--only' in sys.argv else None
    failed = 0
    for f, prepare, config in TESTS:
        if only and f.__name__ != only:
            continue
        t = time.monotonic()
        print(f'  {f.__name__}', end='', flush=True)
        sv = Watched(prepare, **config)
        try:
            f(sv, sv.client())
            verdict = 'ok'
        except Exception:
            failed += 1
            verdict = 'FAILED\n' + traceback.format_exc()
        boot = sv.stop()
        shutil.rmtree(sv.base, ignore_errors=True)
        if 'ERROR: ' in boot or 'runtime error' in boot:
            failed += 1
            verdict = 'FAILED\n' + boot
        print(f'  {verdict} ({(time.monotonic() - t) * 1000:.0f} ms)', flush=True)
    print(f'{failed} failed' if failed else 'all passed')
    sys.exit(1 if failed else 0)


main()
