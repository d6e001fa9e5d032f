"""Runs the supervisor's tests: run.py PROGRAM [--bwrap] [--only NAME,...]. Every test gets a supervisor of its own; short and bounded."""
import ctypes, json, os, pty, resource, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import *

PROGRAM = sys.argv[1]
BWRAP = '--bwrap' in sys.argv
SLOW = 4 if 'asan' in PROGRAM else 1
TESTS = []


def test(**config):
    def add(f):
        TESTS.append((f, config))
        return f
    return add


bwrap = in_bwrap(PROGRAM)


def fails(name, f, *args, **options):
    try:
        f(*args, **options)
    except Failed as e:
        assert e.name == name, f'{e}, expected {name}'
        return e
    raise AssertionError(f'no error, expected {name}')


def alive(text):
    """Processes whose command line holds the text; this test's own are not counted."""
    found = []
    for pid in os.listdir('/proc'):
        if pid.isdigit() and int(pid) != os.getpid():
            try:
                with open(f'/proc/{pid}/cmdline', 'rb') as f:
                    if text.encode() in f.read():
                        with open(f'/proc/{pid}/stat') as f2:
                            if f2.read().rsplit(')', 1)[1].split()[0] != 'Z':
                                found.append(int(pid))
            except OSError:
                pass
    return found


def until(check, seconds=5):
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.01)
    return False


PY = shutil.which('python3', path='/usr/bin:/bin') or '/usr/bin/python3'
unique = 0


def nap():
    """A sleep whose command line is found again."""
    global unique
    unique += 1
    return f'{5000 + unique}.{os.getpid()}'


@test()
def hello(sv, c):
    assert c.supervisor_secret == sv.own and c.version == 2 and c.is_pid1 == (1 if BWRAP else 0)
    wrong = Client(sv.socket, None, hello=False)
    try:
        wrong.hello(bytes(32))
        assert False
    except Closed:
        pass
    early = Client(sv.socket, None, hello=False)
    early.send(0x05)
    try:
        early.wait(lambda *a: True, 3)
        assert False
    except (Closed, ConnectionError):
        pass
    if BWRAP:
        return
    other = subprocess.run([sys.executable, '-c', '''
import os,socket,sys
os.setuid(61234)
s=socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.settimeout(3)
sys.exit(0 if s.recv(1)==b"" else 1)''', sv.socket], capture_output=True) if os.getuid() == 0 and not os.chmod(sv.dir, 0o755) and not os.chmod(sv.socket, 0o777) else None
    assert other is None or other.returncode == 0, other.stderr


@test()
def inside_peer(sv, c):
    """A command that reaches the socket by its path, with the right secret, is refused when the supervisor is pid 1."""
    if not BWRAP:
        return
    hard = os.path.join(sv.root, 'socket')
    os.link(sv.socket, hard)
    if not os.path.exists(PY):
        return
    e = c.run('a', [PY, '-c', f'''
import socket,struct
s=socket.socket(socket.AF_UNIX); s.connect({hard!r})
p=struct.pack("<H",2)+bytes.fromhex({sv.secret.hex()!r})+b"\\1"
try:
    s.sendall(struct.pack("<IBI",5+len(p),1,1)+p); s.settimeout(3); d=s.recv(10)
except OSError as x: d=b""
print(len(d))'''])
    assert e.out == b'0\n', e


@test()
def echo_and_codes(sv, c):
    e = c.sh('a', 'echo hi; echo no >&2; exit 3')
    assert (e.kind, e.code, e.signal, e.out, e.err, e.closed) == ('exited', 3, -1, b'hi\n', b'no\n', 1)
    assert sv.log('a') == b'hi\n' and sv.log('a', 'err') == b'no\n'
    e = c.sh('b', 'kill -SEGV $$')
    assert (e.kind, e.code, e.signal) == ('signalled', -1, 11)
    e = c.run('c', ['/bin/true'])
    assert (e.kind, e.code, e.out_bytes) == ('exited', 0, 0) and not os.path.exists(sv.logs + '/c.out')
    assert c.run('d', ['env'], env={'PATH': '/bin:/usr/bin', 'X': 'y z'}).out == b'PATH=/bin:/usr/bin\nX=y z\n'
    assert c.sh('e', 'umask; pwd; ulimit -c', limits=[(6, 0)], cwd='/usr').out == b'0022\n/usr\n0\n'
    assert c.sh('f', 'grep -E "Sig(Blk|Ign)" /proc/self/status').out.split() == [b'SigBlk:', b'0' * 16, b'SigIgn:', b'0' * 16]
    fds = c.sh('g', 'ls /proc/self/fd').out.split()
    assert fds == [b'0', b'1', b'2', b'3'], fds
    assert c.sh('h', 'cat /proc/self/oom_score_adj').out == b'900\n'


@test()
def arguments(sv, c):
    big = 'x' * 130000
    e = c.run('a', ['/bin/sh', '-c', 'printf %s "$1$2" | wc -c', 'sh', big, big])
    assert e.out.strip() == b'260000'
    fails('argument_too_long', c.spawn, 'b', ['/bin/echo', 'x' * 140000])
    fails('argument_too_long', c.spawn, 'b', ['/bin/echo'] + [big] * 25)
    assert c.sh('b', 'echo still').out == b'still\n'


@test()
def start_errors(sv, c):
    r = sv.root
    fails('program_not_found', c.spawn, 'a', ['no-such-program'])
    fails('program_not_found', c.spawn, 'a', ['/no/such'])
    fails('bad_cwd', c.spawn, 'a', ['true'], cwd='/no/such')
    c.write(r + '/plain', b'text', mode=0o644)
    fails('not_executable', c.spawn, 'a', [r + '/plain'])
    fails('not_executable', c.spawn, 'a', [r])
    c.write(r + '/lost', b'#!/no/such/interpreter\n', mode=0o755)
    assert 'interpreter' in fails('program_not_found', c.spawn, 'a', [r + '/lost']).message
    c.write(r + '/bin', b'\x7fELF\0\0\0junk', mode=0o755)
    fails('not_executable', c.spawn, 'a', [r + '/bin'])
    c.write(r + '/script', b'echo "plain $1"\n', mode=0o755)
    assert c.run('s', [r + '/script', 'x']).out == b'plain x\n'
    assert c.run('t', ['script', 'y'], env={'PATH': f'/nowhere:{r}:/bin'}).out == b'plain y\n'
    fails('bad_request', c.spawn, 'bad id', ['true'])
    fails('bad_request', c.spawn, 'a', ['tr\0ue'])
    fails('bad_request', c.spawn, 'a', [])
    fails('unknown_execution', c.kill, 'nobody')
    c.spawn('a', ['sleep', '9'])
    fails('duplicate_execution', c.spawn, 'a', ['true'])
    assert c.kill('a') == (1, [])
    assert c.list().keys() >= {'a'}


@test(most=3)
def too_many(sv, c):
    for i in range(3):
        c.spawn(f'n{i}', ['sleep', '9'])
    fails('too_many', c.spawn, 'n9', ['true'])
    c.kill('n0')
    c.exit('n0')
    assert c.run('n9', ['true']).code == 0


@test()
def standard_input(sv, c):
    assert c.run('a', ['cat'], stdin=b'given').out == b'given'
    assert c.run('b', ['cat']).out == b''
    data = os.urandom(3 << 20)
    e = c.run('c', ['cat'], stdin=data)
    assert e.out_bytes == len(data) and sv.log('c') == data
    c.spawn('d', ['cat'], flags=2)
    c.input('d', b'one ')
    c.input('d', b'two', eof=True)
    assert c.exit('d').out == b'one two'
    c.spawn('e', ['sleep', '9'], flags=2)
    sent, full = 0, None
    while full is None and sent < 64:
        try:
            c.input('e', bytes(1 << 16))
            sent += 1
        except Failed as x:
            full = x
    assert full.name == 'input_full' and sent >= 16, (full, sent)
    c.kill('e')
    c.exit('e')
    fails('input_closed', c.input, 'e', b'x')
    c.spawn('f', ['sleep', '9'])
    fails('input_closed', c.input, 'f', b'x')
    c.kill('f')


@test()
def input_backpressure(sv, c):
    c.spawn('a', [PY if os.path.exists(PY) else 'cat'] + (['-c', 'import sys,time,hashlib\nh=hashlib.md5()\nwhile True:\n d=sys.stdin.buffer.read(8192)\n if not d: break\n h.update(d); time.sleep(0.0003)\nprint(h.hexdigest())'] if os.path.exists(PY) else []), flags=2)
    import hashlib
    h = hashlib.md5()
    for _ in range(80):
        chunk = os.urandom(65536)
        h.update(chunk)
        while True:
            try:
                c.input('a', chunk)
                break
            except Failed as x:
                assert x.name == 'input_full'
                time.sleep(0.01)
    c.input('a', eof=True)
    e = c.exit('a', 60)
    if os.path.exists(PY):
        assert e.out.strip().decode() == h.hexdigest()


@test()
def daemon_is_killed(sv, c):
    n = nap()
    c.spawn('a', ['sh', '-c', f'env -i setsid sh -c "(env -i setsid sleep {n} >/dev/null 2>&1 &)" & sleep {n}'])
    assert until(lambda: len(alive(n)) >= 2)
    time.sleep(0.1)
    ended, left = c.kill('a')
    assert ended >= 2 and left == [] and until(lambda: not alive(n), 1), (ended, left, alive(n))
    assert c.exit('a').signal == 9


@test()
def background_is_killed_after_the_end(sv, c):
    n = nap()
    c.spawn('a', ['sh', '-c', f'setsid sleep {n} >/dev/null 2>&1 & echo ok'])
    e = c.exit('a')
    assert (e.code, e.background, e.closed, e.out) == (0, 1, 1, b'ok\n'), e
    c.ack('a')
    assert c.list()['a'].state == 2
    assert c.kill('a') == (1, []) and until(lambda: not alive(n), 1)
    assert until(lambda: 'a' not in c.list())


@test()
def shim_killed(sv, c):
    e = c.sh('a', 'kill -9 $PPID; sleep 0.1; exit 7')
    assert (e.kind, e.code) == ('exited', 7), e
    e = c.sh('b', 'kill -STOP $PPID; sleep 0.1; exit 8')
    assert (e.kind, e.code) == ('exited', 8), e
    n = nap()
    c.spawn('c', ['sh', '-c', f'kill -9 $PPID; setsid sleep {n} & exec sleep {n}'])
    assert until(lambda: len(alive(n)) == 2)
    ended, left = c.kill('c')
    assert ended == 2 and left == [] and not alive(n), (ended, left)
    assert c.exit('c').signal == 9
    e = c.run('d', ['sh', '-c', 'kill -9 $PPID; sleep 0.05'], ['echo', 'second'])
    assert e.kind == 'lost' and e.step == 0 and e.out == b'', e
    for i in range(20):
        e = c.sh(f'r{i}', 'kill -9 $PPID; exit 5')
        assert e.code == 5 or e.kind == 'lost', e
    assert c.sh('z', 'echo still').out == b'still\n'


@test()
def graceful_and_forced(sv, c):
    c.spawn('a', ['sh', '-c', 'trap "echo bye; exit 4" TERM; echo up; while :; do sleep 0.01; done'])
    assert until(lambda: sv.log('a') == b'up\n')
    ended, left = c.kill('a', grace_ms=3000, cause=4)
    e = c.exit('a')
    assert (e.kind, e.code, e.out, left) == ('cancelled', 4, b'up\nbye\n', []), e
    c.spawn('b', ['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.01; done'])
    assert until(lambda: sv.log('b') == b'up\n')
    t = time.monotonic()
    c.kill('b', grace_ms=200, cause=4)
    assert 0.15 < time.monotonic() - t < 2 * SLOW
    e = c.exit('b')
    assert (e.kind, e.signal) == ('cancelled', 9), e
    c.spawn('c', ['sleep', '9'])
    assert c.kill('c', mode=0, sig=15)[0] == 1
    e = c.exit('c')
    assert (e.kind, e.signal) == ('signalled', 15)


@test()
def deadline(sv, c):
    t = time.monotonic()
    e = c.sh('a', 'trap "" TERM; echo x; while :; do sleep 0.01; done', wall_ms=200, grace_ms=100)
    assert (e.kind, e.signal, e.out) == ('timed_out', 9, b'x\n') and time.monotonic() - t < 1.5 * SLOW, e
    assert c.sh('b', 'sleep 0.1', wall_ms=5000).kind == 'exited'


@test()
def output_limit(sv, c):
    e = c.sh('a', 'yes', output=1000001)
    assert e.kind == 'output_limit' and e.out_bytes == 1000001 and len(sv.log('a')) == 1000001 and e.out_newlines == 500000, e
    e = c.sh('b', 'printf 12345; printf 678 >&2', output=8)
    assert (e.kind, e.code, e.out, e.err) == ('exited', 0, b'12345', b'678'), e
    e = c.sh('c', 'printf 12345; printf 6789 >&2; sleep 5', output=8)
    assert e.kind == 'output_limit' and e.out_bytes + e.err_bytes == 8, e
    assert len(sv.log('c')) + len(sv.log('c', 'err')) == 8


@test()
def long_line_and_volume(sv, c):
    e = c.sh('a', 'head -c 67108864 /dev/zero | tr "\\0" x; echo', timeout=60)
    assert e.out_bytes == 67108865 and e.out_newlines == 1 and e.out == b'' and os.path.getsize(sv.logs + '/a.out') == 67108865
    os.unlink(sv.logs + '/a.out')
    e = c.sh('b', 'seq 1 300000', timeout=30)
    assert e.out_newlines == 300000 and sv.log('b').endswith(b'299999\n300000\n')


@test()
def log_deleted(sv, c):
    """Whoever deletes the logs of a program that runs does not disturb it: it is told how many bytes it printed, whose file is gone."""
    c.spawn('a', ['sh', '-c', 'echo one; read x; seq 1 10000; echo two >&2; exit 4'], flags=2)
    assert until(lambda: sv.log('a') == b'one\n')
    os.unlink(f'{sv.logs}/a.out')
    c.input('a', b'\n')
    e = c.exit('a')
    assert (e.kind, e.code, e.filed, e.out_newlines, e.err_bytes) == ('exited', 4, True, 10001, 4), e
    assert 'a.out' not in sv.files('a') and sv.log('a', 'err') == b'two\n'
    c.spawn('b', ['sh', '-c', 'read x; seq 1 10000; sleep 60'], flags=2)
    shutil.rmtree(sv.logs)
    c.input('b', b'\n')
    e = c.exit('b')
    assert e.kind == 'disk_limit' and 'log cannot be written' in e.message, e
    assert c.sh('c', 'echo still').out == b'still\n'


@test()
def reopened_streams(sv, c):
    e = c.sh('a', 'echo one > /dev/stderr; echo two > /dev/stderr; echo three > /dev/stdout; echo four > /dev/stdout')
    assert e.err == b'one\ntwo\n' and e.out == b'three\nfour\n', e


@test()
def small_output_has_no_file(sv, c):
    """What is small, quick and of one stream is told and journaled whole, and has no file."""
    for ident, script, out, err in (('a', 'echo hi', b'hi\n', b''), ('b', 'echo no >&2; exit 3', b'', b'no\n'), ('c', ':', b'', b'')):
        c.spawn(ident, ['sh', '-c', script])
        e = c.exit(ident)
        if e.filed and SLOW > 1:
            continue
        assert not e.filed and (e.out, e.err, e.closed) == (out, err, 1), e
        kept = sv.journal_exits()[ident]
        assert not kept.filed and (kept.out, kept.err, kept.code) == (out, err, e.code), kept
        assert sv.files(ident) == []
        listed = parse_exit(c.list()[ident].exit)
        assert not listed.filed and (listed.out, listed.err) == (out, err)
        c.ack(ident)
    time.sleep(0.3)
    assert sv.files('b') == [], 'an order file after the end'
    second = sv.client()
    c.spawn('d', ['sh', '-c', 'echo kept'])
    c.exit('d')
    c.close()
    assert parse_exit(second.list()['d'].exit).out == b'kept\n'


@test()
def output_that_grows_has_files(sv, c):
    e = c.sh('a', 'head -c 16384 /dev/zero')
    assert len(e.out) == 16384 and (e.filed or sv.files('a') == []), e
    e = c.sh('b', 'echo first; head -c 16379 /dev/zero; echo')
    assert e.filed and e.out == b'' and sv.log('b') == b'first\n' + bytes(16379) + b'\n', e
    bare = sv.journal_exits()['b']
    assert bare.filed and bare.out == b'' and bare.out_bytes == 16386
    e = c.sh('c', 'echo one; echo two >&2; echo three')
    assert e.filed and (e.out, e.err) == (b'one\nthree\n', b'two\n'), e
    assert sv.log('c') == b'one\nthree\n' and sv.log('c', 'err') == b'two\n'
    assert sum(n for _, which, n in sv.order('c') if which == 1) == 4, sv.order('c')
    assert sv.journal_exits()['c'].out == b''
    e = c.sh('d', 'head -c 100 /dev/zero', output=10)
    assert e.kind == 'output_limit' and len(e.out) == 10, e


@test()
def output_that_waits_has_files(sv, c):
    t = time.monotonic()
    c.spawn('a', ['sh', '-c', 'echo up; sleep 5; echo more'])
    assert until(lambda: sv.log('a') == b'up\n', 1) and time.monotonic() - t < 2 * SLOW
    c.kill('a', cause=4)
    e = c.exit('a')
    assert e.filed and e.out == b'up\n' and sv.log('a') == b'up\n', e
    e = c.sh('b', 'sleep 0.1; echo late')
    assert e.out == b'late\n' and (not e.filed or SLOW > 1), e


@test()
def output_that_is_watched_has_files(sv, c):
    for ident, look in (('a', lambda: c.call(0x0D, s('a') + b'\1', 0x80)), ('b', lambda: c.list())):
        c.spawn(ident, ['sh', '-c', 'echo up; sleep 0.2'])
        look()
        e = c.exit(ident)
        assert e.filed and e.out == b'up\n' and sv.log(ident) == b'up\n', e
    c.spawn('w', ['sh', '-c', 'read x; echo $x'], flags=2)
    c.call(0x0D, s('w') + b'\1', 0x80)
    c.input('w', b'seen\n', True)
    e = c.exit('w')
    assert e.filed and sv.log('w') == b'seen\n', e


@test()
def output_held_when_the_end_is_asked_for(sv, c):
    c.spawn('a', ['sh', '-c', 'echo up; exec sleep 9'])
    time.sleep(0.01)
    c.call(0x0B, struct.pack('<I', 0), 0x80)
    assert sv.wait() or BWRAP
    sv.wait()
    assert sv.log('a') in (b'up\n', b'') and sv.journal_exits()['a'].out_bytes == len(sv.log('a'))


@test()
def journal_that_cannot_be_written(sv, c):
    """Streams that the journal does not take get files, before the end is told."""
    if BWRAP:
        return
    resource = __import__('resource')
    resource.prlimit(sv.pid, resource.RLIMIT_FSIZE, (os.path.getsize(sv.journal) + 100, resource.RLIM_INFINITY))
    c.spawn('a', ['sh', '-c', 'echo hi'], limits=[(4, 1 << 20)])
    e = c.exit('a')
    resource.prlimit(sv.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert e.filed and e.out == b'hi\n' and sv.log('a') == b'hi\n', e
    e = c.sh('b', 'echo again')
    assert e.out == b'again\n' and 'b' in sv.journal_exits(), e


@test()
def stream_holder(sv, c):
    c.spawn('a', ['sh', '-c', '(sleep 0.6; echo late) & echo now'])
    t = time.monotonic()
    e = c.exit('a')
    assert e.closed == 0 and e.out == b'now\n' and time.monotonic() - t < 0.4 * SLOW and e.background >= 1, e
    assert e.duration_us < 300000 * SLOW
    out_bytes, _, newlines, _ = c.closed('a')
    assert (out_bytes, newlines) == (9, 2) and sv.log('a') == b'now\nlate\n'


@test()
def all_of_a_full_pipe(sv, c):
    """What the leader wrote before its end is logged before the end is told, even when another process holds the stream."""
    for i in range(5):
        c.spawn(f'a{i}', ['sh', '-c', 'sleep 3 & exec head -c 300000 /dev/zero'])
        e = c.exit(f'a{i}')
        assert e.out_bytes == 300000 and e.closed == 0, e
        c.kill(f'a{i}')


@test()
def terminal(sv, c):
    e = c.run('a', ['sh', '-c', 'tty; stty size; read x; echo "got $x"; cat'], flags=1, cols=101, rows=33, stdin=b'line\n')
    assert b'/dev/pts/' in e.out and b'33 101' in e.out and b'got line\r\n' in e.out and e.code == 0, e
    c.spawn('b', ['sh', '-c', 'echo up; read x; echo "got $x"; stty size; cat; echo end'], flags=3)
    assert until(lambda: b'up' in sv.log('b'))
    c.call(0x07, s('b') + struct.pack('<HH', 120, 40), 0x80)
    c.input('b', b'q\n')
    assert until(lambda: b'got q' in sv.log('b') and b'40 120' in sv.log('b')), sv.log('b')
    c.input('b', b'abc', eof=True)
    e = c.exit('b')
    assert e.code == 0 and e.out.endswith(b'abcabcend\r\n'), e
    e = c.run('c', ['sh', '-c', 'seq 1 20000'], ['sh', '-c', 'tty && echo second'], flags=1, timeout=20)
    assert e.out_newlines == 20002 and sv.log('c').endswith(b'second\r\n') and e.step == 1, e
    c.spawn('d', ['sleep', '50'], flags=3)
    time.sleep(0.1)
    c.input('d', b'\x03')
    assert c.exit('d').signal == 2


@test()
def steps(sv, c):
    e = c.run('a', ['sh', '-c', 'echo compiling; exit 2'], ['echo', 'running'])
    assert (e.step, e.code, e.out) == (0, 2, b'compiling\n'), e
    e = c.run('b', ['sh', '-c', 'echo compiling'], ['sh', '-c', 'cat; exit 5'], stdin=b'input')
    assert (e.step, e.code, e.out) == (1, 5, b'compiling\ninput'), e
    e = c.run('c', ['true'], ['no-such-program'])
    assert (e.step, e.kind, e.code) == (1, 'failed_to_start', -1) and 'not found' in e.message, e
    c.spawn('d', ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.01; done'], ['echo', 'never'])
    time.sleep(0.1)
    c.kill('d', grace_ms=2000, cause=4)
    e = c.exit('d')
    assert (e.step, e.kind, e.code, e.out) == (0, 'cancelled', 0, b''), e


@test()
def order_file(sv, c):
    e = c.sh('a', 'echo 1; sleep 0.1; echo 2 >&2; sleep 0.1; echo 3; sleep 0.3; echo 4')
    runs = sv.order('a')
    assert [(stream, n) for _, stream, n in runs] == [(0, 2), (1, 2), (0, 2), (0, 2)], runs
    assert 80 <= runs[1][0] <= 200 * SLOW and runs[0][0] < 80 * SLOW, runs
    c.sh('b', 'echo only')
    assert not os.path.exists(sv.logs + '/b.ord')
    c.sh('late', 'sleep 0.4; echo only; sleep 0.1')
    [(at, stream, n)] = sv.order('late')
    assert (stream, n) == (0, 5) and 380 <= at <= 600 * SLOW, (at, stream, n)
    c.sh('d', 'for i in 1 2 3 4 5; do printf o; printf e >&2; done')
    got = sv.order('d')
    assert sum(n for _, k, n in got if k == 0) == 5 and sum(n for _, k, n in got if k == 1) == 5


@test()
def journal_and_acknowledge(sv, c):
    c.sh('a', 'echo hi', ack=False)
    found = c.list()['a']
    assert found.state == 2 and found.meta == b'm' and parse_exit(found.exit).out == b'hi\n'
    data, at, types = open(sv.journal, 'rb').read(), 0, []
    while at < len(data):
        n, kind, ident = struct.unpack_from('<IBI', data, at)
        types.append(kind)
        payload = data[at + 9:at + 4 + n]
        if kind == 0xC1:
            e = parse_exit(payload)
            assert e.out == (b'' if e.filed else b'hi\n') and e.out_bytes == 3 and e.id == 'a'
        else:
            r = Reader(payload)
            assert r.str() == b'a' and r.take('IQ')[0] > 0 and r.str() == b'm'
        at += 4 + n
    assert types == [0xD1, 0xC1] and at == len(data)
    c.ack('a')
    assert 'a' not in c.list()
    for i in range(80):
        c.sh(f'j{i}', 'true', meta=bytes(16384), ack=False)
    assert os.path.getsize(sv.journal) > 1 << 20
    for i in range(80):
        c.ack(f'j{i}')
    assert c.list() == {} and os.path.getsize(sv.journal) == 0


@test()
def reconnect(sv, c):
    c.spawn('a', ['sh', '-c', 'echo one; sleep 0.3; echo two; exit 6'])
    c.close()
    time.sleep(0.5)
    c2 = sv.client()
    e = parse_exit(c2.list()['a'].exit)
    assert (e.code, e.out) == (6, b'one\ntwo\n')
    c2.ack('a')


@test(lease_ms=400)
def lease(sv, c):
    n = nap()
    c.spawn('a', ['sh', '-c', f'trap "" TERM HUP; setsid sh -c "trap \'\' TERM; sleep {n}" & sleep {n}'])
    for _ in range(8):
        time.sleep(0.1)
        c.stats()
    assert alive(n)
    c.close()
    assert sv.wait(8) and not alive(n), alive(n)
    assert b'\xc1' in open(sv.journal, 'rb').read()


@test(lifetime_ms=700)
def lifetime(sv, c):
    n = nap()
    c.spawn('a', ['sleep', n])
    for _ in range(40):
        time.sleep(0.05)
        try:
            c.stats()
        except (Closed, OSError):
            break
    assert sv.wait(5) and not alive(n)


@test()
def shutdown(sv, c):
    n = nap()
    c.spawn('a', ['sh', '-c', f'trap "echo bye; exit 3" TERM; setsid sleep {n} & while :; do sleep 0.01; done'])
    time.sleep(0.2)
    c.call(0x0B, struct.pack('<I', 2000), 0x80)
    e = c.exit('a')
    assert (e.kind, e.code, e.out) == ('cancelled', 3, b'bye\n'), e
    assert sv.wait(6) and not alive(n)


@test()
def ports(sv, c):
    port = 20000 + os.getpid() % 20000
    assert c.call(0x08, struct.pack('<HI', port, 60), 0x88) == b'\0'
    if os.path.exists(PY):
        if BWRAP:
            host = '127.0.0.1' if c.sh('up', 'true') else ''
        ident = c.send(0x08, struct.pack('<HI', port, 5000 * SLOW))
        c.spawn('a', [PY, '-c', f'import socket,time; s=socket.socket(); s.bind(("0.0.0.0",{port})); s.listen(); time.sleep(9)'])
        assert c.reply(ident, 0x88) == b'\1'
        c.kill('a')
    ident = c.send(0x08, struct.pack('<HI', port + 1, 9000))
    c.send(0x09, struct.pack('<I', ident))
    assert c.reply(ident, 0x88, 2) == b'\0'


@test()
def watch(sv, c):
    c.spawn('a', ['sh', '-c', 'for i in 1 2 3 4 5; do echo $i; sleep 0.03; done; sleep 0.2'])
    c.call(0x0D, s('a') + b'\1', 0x80)
    e = c.exit('a')
    told = [Reader(p) for k, _, p in c.frames if k == 0xC2]
    assert len(told) >= 3
    sizes = [(r.str(), r.take('QQ'))[1][0] for r in told]
    assert sizes == sorted(sizes) and sizes[-1] == 10, sizes


@test()
def wait_for_a_file(sv, c):
    path = os.path.join(sv.root, 'awaited')
    assert c.call(0x0F, s(path) + struct.pack('<I', 60), 0x8F) == b'\0'
    t = time.monotonic()
    ident = c.send(0x0F, s(path) + struct.pack('<I', 5000 * SLOW))
    time.sleep(0.1)
    open(path, 'w').close()
    assert c.reply(ident, 0x8F) == b'\1' and time.monotonic() - t < 1 * SLOW
    ident = c.send(0x0F, s(path + '2') + struct.pack('<I', 9000))
    c.send(0x09, struct.pack('<I', ident))
    assert c.reply(ident, 0x8F) == b'\0'
    os.symlink('/etc/passwd', path + '3')
    assert c.call(0x0F, s(path + '3') + struct.pack('<I', 60), 0x8F) == b'\0'
    fails('outside_roots', c.call, 0x0F, s('/etc/passwd') + struct.pack('<I', 60), 0x8F)
    others = [c.send(0x0F, s(path + '4') + struct.pack('<I', 400)) for _ in range(256)]
    fails('too_many', c.call, 0x0F, s(path + '4') + struct.pack('<I', 60), 0x8F)
    for ident in others:
        assert c.reply(ident, 0x8F) == b'\0'


BURN = 'import time,os\nt=time.process_time()\nwhile time.process_time()-t<.3: os.getppid()'


@test()
def usage_of_orphans(sv, c):
    """What the leader did not wait for counts as soon as it has ended: before the leader, or just after it."""
    e = c.run('a', [PY, '-c', BURN])
    assert 250000 < e.user_us + e.system_us < 2000000 * SLOW, e
    e = c.run('b', ['sh', '-c', f'(({PY} -c "{BURN}"; : > done) &) ; until [ -e done ]; do sleep 0.02; done; sleep 0.1'], cwd=sv.root, timeout=20)
    assert e.user_us + e.system_us > 250000, e
    e = c.run('c', [PY, '-c', BURN], [PY, '-c', BURN])
    assert e.user_us + e.system_us > 500000 and e.voluntary + e.involuntary > 0, e
    c.spawn('e', ['sh', '-c', f'({PY} -c "{BURN}" &) ; read x'], flags=2)
    assert until(lambda: c.inspect('e').user_us + c.inspect('e').system_us > 250000 and c.inspect('e').processes == 1, 20), c.inspect('e')
    c.kill('e')
    write = ['dd', 'if=/dev/zero', 'of=f', 'bs=64k', 'count=64', 'conv=fsync']
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock
    subprocess.run(write, cwd=sv.root, stderr=subprocess.DEVNULL, check=True)
    same = (resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock - before) * 512
    e = c.run('d', write, cwd=sv.root)
    assert e.code == 0 and e.written_bytes >= same * 0.9, (same, e)


@test()
def inspect(sv, c):
    c.spawn('a', ['sh', '-c', f'{PY} -c "{BURN}"; sleep 60 & sleep 60 & cat; sleep 60'], flags=2)
    assert until(lambda: not isinstance(c.inspect('a').input, str))
    a = c.inspect('a')
    assert a.input.program == 'cat' and (a.input.on, a.input.hidden) == (1, 0) and a.input.for_ms >= 100, a
    assert a.user_us + a.system_us > 200000 and a.processes == 4 and a.peak_processes >= 4 and a.source == 3, a
    assert a.peak_rss >= a.rss > 200000 and a.voluntary > 0 and a.ports == [], a
    c.input('a', eof=True)
    assert until(lambda: c.inspect('a').input == 'no')
    later = c.inspect('a')
    assert later.user_us >= a.user_us and later.peak_rss >= a.peak_rss
    c.kill('a')
    e = c.exit('a')
    assert e.peak_processes >= 4 and e.user_us + e.system_us > 250000, e
    fails('unknown_execution', c.inspect, 'a')
    fails('unknown_execution', c.inspect, 'nobody')
    c.spawn('b', ['cat'], flags=2)
    time.sleep(0.1)
    pending = c.send(0x0E, s('b'))
    c.kill('b')
    try:
        c.reply(pending, 0x8E)
    except Failed as error:
        assert error.name == 'unknown_execution'


@test()
def watched_input(sv, c):
    other = sv.client()
    c.spawn('a', ['sh', '-c', 'read x; sleep .5; read y; exit 7'], flags=3)
    c.watch('a')
    w = c.input_wait('a')
    assert w.program == 'sh' and (w.on, w.hidden) == (2, 0) and w.for_ms >= 100, w
    c.input('a', b'one\n')
    assert c.input_wait('a') == 'no'
    assert c.input_wait('a').pid == w.pid
    c.input('a', b'two\n')
    assert c.input_wait('a') == 'no'
    assert c.exit('a').code == 7
    other.stats()
    assert not [f for f in other.frames if f[0] == 0xC4], 'told to one that does not watch'
    c.spawn('b', ['cat'], flags=2)
    c.watch('b')
    c.input_wait('b')
    other.watch('b')
    assert other.input_wait('b').program == 'cat', 'a wait that began before the watch is told'
    c.close()
    other.input('b', eof=True)
    assert other.exit('b').code == 0


@test()
def listening_ports(sv, c):
    script = 'import socket,time\ns=[socket.socket() for _ in range(3)]\n[(x.bind(("127.0.0.1",0)),x.listen()) for x in s]\nprint(*sorted(x.getsockname()[1] for x in s),flush=True)\ntime.sleep(60)'
    c.spawn('a', ['sh', '-c', f'(setsid {PY} -c \'{script}\' &) ; sleep 60'])
    c.spawn('b', ['sleep', '60'])
    assert until(lambda: len(sv.log('a').split()) == 3)
    mine = [int(x) for x in sv.log('a').split()]
    assert c.inspect('a').ports == mine and c.inspect('b').ports == []
    c.kill('a')
    assert c.exit('a').ports == mine
    c.kill('b')
    assert c.exit('b').ports == []


@test()
def files(sv, c):
    r = sv.root
    assert c.write(r + '/a/b/c.txt', b'hello', flags=1 | 16) == 5
    assert c.read(r + '/a/b/c.txt') == (5, 1, b'hello') and c.read(r + '/a/b/c.txt', 1, 2) == (5, 0, b'el')
    assert oct(os.stat(r + '/a/b').st_mode & 0o777) == '0o755'
    assert c.write(r + '/a/b/c.txt', b' you', flags=8) == 9
    assert c.write(r + '/a/b/c.txt', b'J', flags=0) == 9 and c.read(r + '/a/b/c.txt')[2] == b'Jello you'
    fails('exists', c.write, r + '/a/b/c.txt', b'', 1 | 2)
    fails('exists', c.write, r + '/a/b/c.txt', b'', 1 | 2 | 32)
    fails('not_found', c.write, r + '/a/none', b'', 0)
    fails('not_found', c.write, r + '/none/x', b'', 1)
    os.chmod(r + '/a/b/c.txt', 0o640)
    inode = os.stat(r + '/a/b/c.txt').st_ino
    assert c.write(r + '/a/b/c.txt', b'new', flags=1 | 32) == 3
    st = os.stat(r + '/a/b/c.txt')
    assert st.st_ino != inode and st.st_mode & 0o777 == 0o640 and os.listdir(r + '/a/b') == ['c.txt']
    os.symlink('c.txt', r + '/a/b/link')
    c.write(r + '/a/b/link', b'by link', flags=32)
    assert os.path.islink(r + '/a/b/link') and c.read(r + '/a/b/c.txt')[2] == b'by link'
    e = c.stat(r + '/a/b/link', follow=False)
    assert (e.kind, e.target, e.name) == (3, 'c.txt', 'link') and c.stat(r + '/a/b/link').kind == 1
    assert c.stat(r).kind == 2 and c.stat(r + '/').kind == 2
    more, entries = c.listing(r + '/a/b')
    assert [x.name for x in entries] == ['c.txt', 'link'] and not more
    for i in range(50):
        c.write(f'{r}/many/f{i:03}', b'', flags=1 | 16)
    seen, after = [], ''
    while True:
        more, entries = c.listing(r + '/many', after, 7)
        seen += [x.name for x in entries]
        after = seen[-1]
        if not more:
            break
    assert seen == [f'f{i:03}' for i in range(50)]
    fails('not_empty', c.remove, r + '/many')
    assert c.remove(r + '/many', True) == 51
    fails('not_found', c.remove, r + '/many')
    fails('bad_request', c.remove, r, True)
    c.mkdir(r + '/d/e/f', parents=True)
    fails('exists', c.mkdir, r + '/d')
    c.mkdir(r + '/d/e/f', parents=True)
    c.rename(r + '/a/b/c.txt', r + '/d/moved')
    fails('exists', c.rename, r + '/d/moved', r + '/a/b/link')
    c.rename(r + '/d/moved', r + '/a/b/link', replace=True)
    assert c.read(r + '/a/b/link')[2] == b'by link'
    fails('not_a_file', c.read, r + '/a')
    fails('not_a_directory', c.listing, r + '/a/b/link')
    os.mkfifo(r + '/fifo')
    fails('not_a_file', c.read, r + '/fifo')
    fails('not_a_file', c.write, r + '/fifo', b'x')
    for path in ('/etc/passwd', r + '/../x', r + 'x', 'relative', '', r + '/\0'):
        assert fails_any(c.read, path) in ('outside_roots', 'bad_request'), path
    os.symlink('/etc', r + '/out')
    os.symlink('../../..', r + '/up')
    for link in ('out', 'up'):
        fails('outside_roots', c.read, f'{r}/{link}/passwd')
        fails('outside_roots', c.write, f'{r}/{link}/x', b'')
        fails('outside_roots', c.listing, f'{r}/{link}')
        fails('outside_roots', c.remove, f'{r}/{link}/x')
    deep = r + '/deep' + '/n' * 300
    os.makedirs(deep)
    open(deep + '/leaf', 'w').close()
    assert c.remove(r + '/deep', True) == 302 and not os.path.exists(r + '/deep')
    assert c.remove(r + '/out') == 1 and os.path.isdir('/etc')


def fails_any(f, *args):
    try:
        f(*args)
    except Failed as e:
        return e.name
    return 'none'


@test()
def link_race(sv, c):
    """A folder is exchanged with a link to the outside for ever; no write and no removal may arrive there."""
    outside = tempfile.mkdtemp(prefix='corral-outside-')
    r = sv.root
    os.mkdir(r + '/dir')
    os.symlink(outside, r + '/link')
    libc = ctypes.CDLL(None)
    stop = False

    def swap():
        a, b = (r + '/dir').encode(), (r + '/link').encode()
        while not stop:
            libc.renameat2(-100, a, -100, b, 2)
    pid = os.fork()
    if pid == 0:
        signal.alarm(120)
        swap()
    tries = 20000 if SLOW == 1 and not BWRAP else 4000
    good = 0
    try:
        for batch in range(tries // 100):
            idents = []
            for i in range(100):
                n = batch * 100 + i
                if n % 3 == 0:
                    idents.append(c.send(0x11, s(f'{r}/dir/f{n}') + struct.pack('<BIQ', 1 | 32, 0o644, 0) + s(b'x')))
                elif n % 3 == 1:
                    idents.append(c.send(0x11, s(f'{r}/dir/f{n}') + struct.pack('<BIQ', 1 | 16, 0o644, 0) + s(b'x')))
                else:
                    idents.append(c.send(0x15, s(f'{r}/dir/d{n}/e') + struct.pack('<BI', 1, 0o755)))
            for ident in idents:
                good += c.wait(lambda k, i, p: i == ident, 30)[0] != 0xFF
        left = os.listdir(outside)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        shutil.rmtree(outside)
    assert left == [] and 0 < good < tries, (len(left), good)


@test()
def clients(sv, c):
    others = [sv.client() for _ in range(15)]
    for i, o in enumerate(others):
        assert o.sh(f'c{i}', 'echo hi').out == b'hi\n'
    try:
        sv.client()
        assert False
    except (Closed, ConnectionError, BrokenPipeError):
        pass
    others.pop().close()
    assert until(lambda: connects(sv))
    for o in others:
        o.close()


def connects(sv):
    try:
        sv.client().close()
        return True
    except (Closed, OSError):
        return False


@test()
def malformed(sv, c):
    bad = [struct.pack('<I', 0), struct.pack('<I', 4), struct.pack('<I', 0xffffffff), struct.pack('<I', (4 << 20) + 1), frame(0x77, 1),
           frame(0x05, 0), frame(0x05, 1, b'x'), frame(0x02, 1, s('x')), frame(0x04, 1, b'\xff\xff\xff\xff'), frame(0x10, 1, s('/')[:-1]),
           frame(0x03, 1, s('a') + b'\0' + struct.pack('<I', 1 << 31)), frame(0x01, 1, b'')]
    for data in bad:
        x = sv.client()
        x.sock.sendall(data)
        try:
            x.wait(lambda *a: False, 3)
            assert False, data
        except (Closed, ConnectionError):
            pass
    assert c.sh('a', 'echo fine').out == b'fine\n'


@test()
def deaf_peer(sv, c):
    c.write(sv.root + '/big', bytes(1 << 20), flags=1)
    deaf = sv.client()
    for _ in range(40):
        deaf.send(0x10, s(sv.root + '/big') + struct.pack('<QI', 0, 1 << 20))
    time.sleep(0.2)
    with open(f'/proc/{sv.pid}/statm') as f:
        if not BWRAP and SLOW == 1:
            assert int(f.read().split()[1]) * 4096 < 20 << 20
    for i in range(1, deaf.next + 1):
        if i > 1:
            assert len(deaf.reply(i, 0x90)) > 1 << 20
    assert c.sh('a', 'echo fine').out == b'fine\n'


@test(memory=192 << 20)
def memory(sv, c):
    if not os.path.exists(PY):
        return
    c.spawn('small', ['sleep', '30'])
    e = c.run('a', [PY, '-c', 'x=bytearray(400<<20)\nfor i in range(0,len(x),4096): x[i]=1\nimport time; time.sleep(20)'], timeout=15)
    assert e.kind == 'memory_limit' and 'MiB' in e.message, e
    assert c.list()['small'].state == 1
    c.kill('small')


@test()
def fork_bomb(sv, c):
    if os.getuid() != 0 or BWRAP:
        return
    # A private uid, as the limit of processes does not bind root. The supervisor itself keeps its own.
    setpriv = shutil.which('setpriv')
    if not setpriv:
        return
    if not os.path.exists(PY):
        return
    bomb = 'import os\nwhile True:\n try: os.setsid() if os.fork() == 0 else 0\n except OSError: pass'
    c.spawn('a', [setpriv, '--reuid', '1900000077', '--regid', '1900000077', '--clear-groups', PY, '-c', bomb], limits=[(1, 150)])
    time.sleep(0.5)
    ended, left = c.kill('a', timeout=25)
    assert left == [] and ended >= 100, (ended, left)
    c.exit('a')
    time.sleep(0.1)
    assert c.stats().processes == 0


@test()
def stopped_inside(sv, c):
    if not BWRAP:
        return
    c.sh('a', 'kill -TERM 1; kill -9 1; kill -STOP 1; kill -HUP 1; true')
    assert c.sh('b', 'cat /proc/1/environ || cat /proc/1/mem || cat /proc/1/maps').code != 0
    assert c.sh('c', 'echo fine').out == b'fine\n'
    # A killed process number 1 takes everything with it.
    n = nap()
    c.spawn('d', ['sleep', n])
    os.kill(sv.pid, signal.SIGTERM)


@test()
def throughput(sv, c):
    e = c.sh('a', 'head -c 400000000 /dev/zero', timeout=60)
    assert e.out_bytes == 400000000
    print(f'    {e.out_bytes / e.duration_us / 1000:.2f} GB/s', end='')
    os.unlink(sv.logs + '/a.out')


def disk_full():
    if os.getuid() != 0:
        return
    d = tempfile.mkdtemp(prefix='corral-full-')
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', d], capture_output=True).returncode != 0:
        os.rmdir(d)
        return
    try:
        sv = Supervisor(PROGRAM, logs=d + '/logs')
        c = sv.client()
        e = c.sh('a', 'yes', ack=False)
        assert e.kind == 'disk_limit' and e.out_bytes == os.path.getsize(d + '/logs/a.out') > 900000, e
        os.unlink(d + '/logs/a.out')
        assert c.sh('b', 'echo fine').out == b'fine\n'
        sv.stop()
    finally:
        subprocess.run(['umount', '-l', d])
        os.rmdir(d)


def bad_start():
    sv = Supervisor(PROGRAM, roots=['/no/such/root'])
    assert sv.wait(5) and '/no/such/root' in sv.boot_log()
    sv.stop()


class Launcher:
    def __init__(self):
        self.process = subprocess.Popen([PROGRAM, 'launch'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.next = 0

    def send(self, kind, payload):
        self.next += 1
        self.process.stdin.write(frame(kind, self.next, payload))

    def get(self):
        def exact(n):
            data = b''
            while len(data) < n:
                more = self.process.stdout.read(n - len(data))
                assert more, 'the launcher ended'
                data += more
            return data
        body = exact(struct.unpack('<I', exact(4))[0])
        return body[0], body[5:]


def launch_mode():
    """As root: a private uid writes into a staged folder that root owns with 0700, and cannot read a file of root."""
    if os.getuid() != 0 or not shutil.which('bwrap'):
        return
    d = tempfile.mkdtemp(prefix='corral-launch-')
    for name, mode in (('logs', 0o700), ('work', 0o700), ('plain', 0o755)):
        os.mkdir(f'{d}/{name}', mode)
    with open(d + '/plain/secret', 'w') as f:
        f.write('top')
    os.chmod(d + '/plain/secret', 0o600)
    secret, own, uid = os.urandom(32), os.urandom(32), 1900000001
    argv = ['/usr/bin/bwrap', '--unshare-user', '--unshare-pid', '--unshare-net', '--uid', '1000', '--gid', '1000', '--as-pid-1', '--cap-drop', 'ALL',
            '--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64', '--proc', '/proc',
            '--dev', '/dev', '--ro-bind', '/mnt/program', '/supervisor', '--bind', '/mnt/work', '/work', '--ro-bind', '/mnt/plain', '/plain',
            '--ro-bind-data', '10', '/blob', '--info-fd', '8', '--', '/supervisor', 'serve']
    mounts = [(d + '/work', 'work', 1), (d + '/plain', 'plain', 2), (PROGRAM, 'program', 2)]

    def request(argv):
        return (b''.join(s(d + x) for x in ('', '/socket', '/logs', '/journal', '/boot')) + s(configuration(secret, own, ['/work'])) + struct.pack('<II', uid, uid)
                + strings([]) + strings([]) + s('/mnt') + struct.pack('<I', len(mounts)) + b''.join(s(a) + s(b) + bytes([f]) for a, b, f in mounts)
                + strings(argv) + strings(['PATH=/usr/bin']) + strings(['a blob']))
    launcher = Launcher()
    try:
        launcher.send(0x20, request(['/no/such/program']))
        kind, payload = launcher.get()
        assert kind == 0xFF and b'/no/such/program' in payload, payload
        os.unlink(d + '/socket')
        launcher.send(0x20, request(argv))
        kind, payload = launcher.get()
        assert kind == 0xA0, payload
        pid = struct.unpack('<i', payload)[0]
        kind, payload = launcher.get()
        info = json.loads(payload[8:])
        inside = info['child-pid']
        assert kind == 0xA1 and struct.unpack_from('<i', payload)[0] == pid
        assert until(lambda: os.path.exists(f'/proc/{inside}') and b'serve' in open(f'/proc/{inside}/cmdline', 'rb').read())
        c = Client(d + '/socket', secret)
        assert c.is_pid1 == 1
        assert c.sh('a', 'echo made > /work/file; stat -c %u:%a /work; cat /blob').out == b'1000:700\na blob'
        st = os.stat(d + '/work/file')
        assert (st.st_uid, st.st_gid) == (0, 0), st
        e = c.sh('b', 'cat /plain/secret || echo refused; touch /plain/x || echo refused')
        assert e.out == b'refused\nrefused\n', e
        with open(f'/proc/{inside}/status') as f:
            assert f'Uid:\t{uid}\t{uid}\t{uid}\t{uid}' in f.read()
        with open(f'/proc/{inside}/stat') as f:
            ticks = int(f.read().rsplit(')', 1)[1].split()[19])
        launcher.send(0x21, struct.pack('<iQ', inside, ticks + 1))
        assert launcher.get()[0] == 0xFF and os.path.exists(f'/proc/{inside}')
        launcher.send(0x21, struct.pack('<iQ', inside, ticks))
        assert launcher.get()[0] == 0x80
        kind, payload = launcher.get()
        assert kind == 0xA2 and struct.unpack_from('<i', payload)[0] == pid
    finally:
        launcher.process.stdin.close()
        assert launcher.process.wait(5) == 0
        shutil.rmtree(d)


def launcher_killed():
    """A launcher that is killed before its program has told what it is: the program is not broken off by that."""
    d = tempfile.mkdtemp(prefix='corral-launch-')
    os.mkdir(d + '/logs')
    done = d + '/done'
    argv = ['/bin/sh', '-c', f'while kill -0 "$1" 2>/dev/null; do sleep 0.01; done; echo info >&8 && : > {done}', 'sh']
    launcher = Launcher()
    payload = b''.join(s(d + x) for x in ('', '/socket', '/logs', '/journal', '/boot')) + s(b'') + struct.pack('<II', 0xFFFFFFFF, 0xFFFFFFFF)
    payload += strings([]) + strings([]) + s('/mnt') + struct.pack('<I', 0) + strings(argv + [str(launcher.process.pid)]) + strings(['PATH=/usr/bin:/bin'])
    try:
        launcher.send(0x20, payload + strings([]))
        kind, payload = launcher.get()
        assert kind == 0xA0, payload
        launcher.process.kill()
        launcher.process.wait(5)
        assert until(lambda: os.path.exists(done)), open(d + '/boot').read()
    finally:
        launcher.process.stdin.close()
        shutil.rmtree(d)


def main():
    only = sys.argv[sys.argv.index('--only') + 1].split(',') if '--only' in sys.argv else None
    failed = 0
    cases = [(f, config) for f, config in TESTS] + ([] if BWRAP else [(disk_full, None), (bad_start, None)] + ([] if BWRAP or 'asan' in PROGRAM else [(launch_mode, None), (launcher_killed, None)]))
    for f, config in cases:
        if only and f.__name__ not in only:
            continue
        t = time.monotonic()
        sv = None
        print(f'  {f.__name__}', end='', flush=True)
        try:
            if config is None:
                f()
            else:
                sv = Supervisor(PROGRAM, prefix=bwrap if BWRAP else None, **config)
                c = sv.client()
                f(sv, c)
            verdict = 'ok'
        except Exception:
            failed += 1
            verdict = 'FAILED\n' + traceback.format_exc()
        if sv is not None:
            boot = sv.stop()
            if 'ERROR: ' in boot or 'runtime error' in boot:
                failed += 1
                verdict = 'FAILED\n' + boot
        print(f'  {verdict} ({(time.monotonic() - t) * 1000:.0f} ms)', flush=True)
    print(f'{failed} failed' if failed else 'all passed')
    sys.exit(1 if failed else 0)


main()
