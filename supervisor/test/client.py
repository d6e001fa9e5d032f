"""A small client of the supervisor protocol, for the tests. Standard library only."""
import os, select, shutil, signal, socket, struct, subprocess, tempfile, time

ERRORS = {1: 'bad_request', 2: 'unknown_execution', 3: 'duplicate_execution', 4: 'too_many', 5: 'program_not_found', 6: 'not_executable',
          7: 'bad_cwd', 8: 'spawn_failed', 9: 'input_closed', 10: 'input_full', 11: 'outside_roots', 12: 'not_found', 13: 'not_a_file',
          14: 'exists', 15: 'io', 16: 'not_a_directory', 17: 'not_empty', 18: 'permission', 19: 'no_space', 20: 'argument_too_long', 21: 'no_terminal', 22: 'terminal_closed'}
KINDS = {1: 'exited', 2: 'signalled', 3: 'timed_out', 4: 'cancelled', 5: 'output_limit', 6: 'memory_limit', 7: 'disk_limit',
         8: 'failed_to_start', 9: 'lost', 10: 'cpu_limit', 11: 'process_limit', 12: 'file_size_limit'}


class Failed(Exception):
    def __init__(self, code, err, message):
        super().__init__(f'{ERRORS.get(code, code)} errno {err}: {message}')
        self.name, self.err, self.message = ERRORS.get(code, code), err, message


class Closed(Exception):
    pass


def s(value):
    if isinstance(value, str):
        value = value.encode()
    return struct.pack('<I', len(value)) + value


def strings(values):
    return struct.pack('<I', len(values)) + b''.join(s(v) for v in values)


def frame(kind, ident, payload=b''):
    return struct.pack('<IBI', 5 + len(payload), kind, ident) + payload


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, fmt):
        values = struct.unpack_from('<' + fmt, self.data, self.at)
        self.at += struct.calcsize('<' + fmt)
        return values[0] if len(values) == 1 else values

    def str(self):
        n = self.take('I')
        value = self.data[self.at:self.at + n]
        assert len(value) == n
        self.at += n
        return value

    def done(self):
        assert self.at == len(self.data), 'bytes left over'


class Dict(dict):
    __getattr__ = dict.__getitem__


def parse_exit(payload):
    r = Reader(payload)
    e = Dict(id=r.str().decode())
    for name, fmt in (('step', 'B'), ('kind', 'B'), ('code', 'i'), ('signal', 'i'), ('start_ms', 'Q'), ('duration_us', 'Q'), ('user_us', 'Q'),
                      ('system_us', 'Q'), ('maxrss', 'Q'), ('out_bytes', 'Q'), ('err_bytes', 'Q'), ('out_newlines', 'Q'),
                      ('err_newlines', 'Q'), ('background', 'I'), ('closed', 'B'), ('read_bytes', 'Q'), ('written_bytes', 'Q'),
                      ('voluntary', 'Q'), ('involuntary', 'Q'), ('peak_processes', 'I')):
        e[name] = r.take(fmt)
    e['ports'] = [r.take('H') for _ in range(r.take('H'))]
    e['changes'] = parse_changes(r.str())
    e['closed'], e['filed'] = e.closed & 1, not e.closed & 2
    e['out'], e['err'], e['message'] = r.str(), r.str(), r.str().decode()
    r.done()
    e['kind'] = KINDS[e['kind']]
    return e


def parse_wait(r):
    state = r.take('B')
    if state != 1:
        return ['no', None, 'unknown'][state]
    w = Dict()
    w['pid'], w['on'], w['hidden'], w['for_ms'] = r.take('IBBI')
    w['program'] = r.str().decode()
    return w


def parse_changes(payload):
    """None when nobody looked."""
    if not payload:
        return None
    r = Reader(payload)
    c = Dict(zip(('complete', 'more'), r.take('BI')))
    for name in ('created', 'changed', 'removed'):
        c[name] = [r.str() for _ in range(r.take('I'))]
    c['why'] = r.str().decode()
    r.done()
    return c


def parse_entry(r):
    e = Dict(name=r.str().decode())
    e['kind'], e['size'], e['mtime_ms'], e['mode'] = r.take('BQQI')
    e['target'] = r.str().decode()
    return e


class Client:
    def __init__(self, path, secret, hello=True, events=True):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.buffer, self.frames, self.next = bytearray(), [], 0
        if hello:
            self.hello(secret, events)

    def hello(self, secret, events=True, version=2):
        r = Reader(self.call(0x01, struct.pack('<H', version) + secret + bytes([1 if events else 0]), 0x81))
        self.version = r.take('H')
        self.supervisor_secret = r.data[2:34]
        r.at = 34
        self.pid, self.started_ms, self.is_pid1 = r.take('IQB')
        r.done()

    def send(self, kind, payload=b''):
        self.next += 1
        self.sock.sendall(frame(kind, self.next, payload))
        return self.next

    def _fill(self, until):
        left = until - time.monotonic()
        if left <= 0 or not select.select([self.sock], [], [], left)[0]:
            raise TimeoutError('no frame in time')
        data = self.sock.recv(1 << 20)
        if not data:
            raise Closed()
        self.buffer += data
        while len(self.buffer) >= 4:
            n = struct.unpack_from('<I', self.buffer)[0]
            if len(self.buffer) < 4 + n:
                break
            kind, ident = struct.unpack_from('<BI', self.buffer, 4)
            self.frames.append((kind, ident, bytes(self.buffer[9:4 + n])))
            del self.buffer[:4 + n]

    def wait(self, match, timeout=10):
        until = time.monotonic() + timeout
        seen = 0
        while True:
            for i in range(seen, len(self.frames)):
                if match(*self.frames[i]):
                    return self.frames.pop(i)
            seen = len(self.frames)
            self._fill(until)

    def reply(self, ident, expect, timeout=10):
        kind, _, payload = self.wait(lambda k, i, p: i == ident, timeout)
        if kind == 0xFF:
            r = Reader(payload)
            code, err = r.take('Hi')
            raise Failed(code, err, r.str().decode())
        assert kind == expect, f'reply {kind:#x}, expected {expect:#x}'
        return payload

    def call(self, kind, payload, expect, timeout=10):
        return self.reply(self.send(kind, payload), expect, timeout)

    def spawn_payload(self, ident, *steps, flags=0, cols=80, rows=24, wall_ms=0, grace_ms=200, output=0, limits=(), cwd='/', env=None, stdin=b'',
                      meta=b'm'):
        env = env if env is not None else {'PATH': '/usr/local/bin:/usr/bin:/bin'}
        p = s(ident) + struct.pack('<BHHIIQB', flags, cols, rows, wall_ms, grace_ms, output, len(limits))
        for resource, value in limits:
            p += struct.pack('<BQ', resource, value)
        p += s(cwd) + strings([f'{k}={v}' for k, v in env.items()]) + bytes([len(steps)]) + b''.join(strings(a) for a in steps)
        return p + s(stdin) + s(meta)

    def spawn(self, ident, *steps, **options):
        return Reader(self.call(0x02, self.spawn_payload(ident, *steps, **options), 0x82)).take('IQ')

    def exit(self, ident, timeout=10):
        return parse_exit(self.wait(lambda k, i, p: k == 0xC1 and Reader(p).str().decode() == ident, timeout)[2])

    def closed(self, ident, timeout=10):
        r = Reader(self.wait(lambda k, i, p: k == 0xC3 and Reader(p).str().decode() == ident, timeout)[2])
        r.str()
        return r.take('QQQQ')

    def run(self, ident, *steps, timeout=10, ack=True, **options):
        self.spawn(ident, *steps, **options)
        e = self.exit(ident, timeout)
        if ack:
            self.ack(ident)
        return e

    def sh(self, ident, script, **options):
        return self.run(ident, ['/bin/sh', '-c', script], **options)

    def input(self, ident, data=b'', eof=False):
        self.call(0x03, s(ident) + bytes([eof]) + s(data), 0x80)

    def kill(self, ident, mode=1, sig=0, grace_ms=0, cause=0, timeout=15):
        r = Reader(self.call(0x04, s(ident) + struct.pack('<BBIB', mode, sig, grace_ms, cause), 0x84, timeout))
        ended, n = r.take('I'), r.take('I')
        survivors = [r.str().decode() for _ in range(n)]
        r.done()
        return ended, survivors

    def inspect(self, ident):
        r = Reader(self.call(0x0E, s(ident), 0x8E))
        a = Dict(input=parse_wait(r))
        for name, fmt in (('source', 'B'), ('user_us', 'Q'), ('system_us', 'Q'), ('rss', 'Q'), ('peak_rss', 'Q'), ('read_bytes', 'Q'),
                          ('written_bytes', 'Q'), ('voluntary', 'Q'), ('involuntary', 'Q'), ('processes', 'I'), ('peak_processes', 'I')):
            a[name] = r.take(fmt)
        a['ports'] = [r.take('H') for _ in range(r.take('H'))]
        r.done()
        return a

    def watch(self, ident, on=True):
        self.call(0x0D, s(ident) + bytes([on]), 0x80)

    def input_wait(self, ident, timeout=10):
        r = Reader(self.wait(lambda k, i, p: k == 0xC4 and Reader(p).str().decode() == ident, timeout)[2])
        r.str()
        w = parse_wait(r)
        r.done()
        return w

    def list(self):
        r = Reader(self.call(0x05, b'', 0x85))
        found = {}
        for _ in range(r.take('I')):
            e = Dict(id=r.str().decode())
            e['state'], e['pid'], e['start_ms'], e['out_bytes'], e['err_bytes'] = r.take('BIQQQ')
            e['meta'], e['exit'] = r.str(), r.str()
            found[e.id] = e
        r.done()
        return found

    def ack(self, ident):
        self.send(0x06, s(ident))

    def stats(self):
        r = Reader(self.call(0x0C, b'', 0x8C))
        values = r.take('IQIIQQ')
        r.done()
        return Dict(zip(('processes', 'rss', 'running', 'ended', 'uptime_ms', 'log_bytes'), values))

    def read(self, path, offset=0, length=1 << 20):
        r = Reader(self.call(0x10, s(path) + struct.pack('<QI', offset, length), 0x90))
        size, eof = r.take('QB')
        return size, eof, r.str()

    def write(self, path, data, flags=1 | 4, mode=0o644, offset=0):
        return Reader(self.call(0x11, s(path) + struct.pack('<BIQ', flags, mode, offset) + s(data), 0x91)).take('Q')

    def stat(self, path, follow=True):
        return parse_entry(Reader(self.call(0x12, s(path) + bytes([follow]), 0x92)))

    def listing(self, path, after='', limit=4096):
        r = Reader(self.call(0x13, s(path) + s(after) + struct.pack('<I', limit), 0x93))
        more, n = r.take('BI')
        entries = [parse_entry(r) for _ in range(n)]
        r.done()
        return more, entries

    def remove(self, path, recursive=False, timeout=30):
        return Reader(self.call(0x14, s(path) + bytes([recursive]), 0x94, timeout)).take('I')

    def mkdir(self, path, parents=False, mode=0o755):
        self.call(0x15, s(path) + struct.pack('<BI', parents, mode), 0x80)

    def rename(self, old, new, replace=False):
        self.call(0x16, s(old) + s(new) + bytes([replace]), 0x80)

    def close(self):
        self.sock.close()


def configuration(secret, own, roots, lease_ms=60000, lifetime_ms=0, memory=0, most=64, ident='test', workspaces=(), processes=0, disk=0, walked=(), scratch=()):
    return struct.pack('<H', 2) + secret + own + s(ident) + strings(roots) + struct.pack('<IIQI', lease_ms, lifetime_ms, memory, most) + strings(workspaces) + struct.pack('<IQ', processes, disk) + strings(walked) + strings(scratch)


def in_bwrap(program):
    """A `prefix` that makes the supervisor pid 1 of a sandbox."""
    def prefix(sv):
        command = ['bwrap', '--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-net', '--as-pid-1', '--cap-drop', 'ALL', '--ro-bind', '/usr', '/usr']
        for name in ('bin', 'lib', 'lib64', 'sbin'):
            if os.path.islink('/' + name):
                command += ['--symlink', os.readlink('/' + name), '/' + name]
            elif os.path.isdir('/' + name):
                command += ['--ro-bind', '/' + name, '/' + name]
        return command + ['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--bind', sv.root, sv.root, '--ro-bind', program, program, '--']
    return prefix


class Supervisor:
    """`serve` run directly, or below `prefix` (a bwrap command line)."""

    def __init__(self, program, prefix=None, logs=None, place=None, **config):
        self.dir = place or tempfile.mkdtemp(prefix='corral-supervisor-')
        self.logs = logs or os.path.join(self.dir, 'logs')
        self.root = os.path.join(self.dir, 'root')
        for d in (self.logs, self.root):
            os.makedirs(d, exist_ok=True)
        self.socket = os.path.join(self.dir, 'socket')
        self.journal = os.path.join(self.dir, 'journal')
        self.boot = os.path.join(self.dir, 'boot')
        self.secret, self.own = os.urandom(32), os.urandom(32)
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(self.socket)
        sock.listen(16)
        config.setdefault('roots', [self.root])
        text = configuration(self.secret, self.own, **config)
        fds = {0: os.open('/dev/null', os.O_RDONLY), 1: os.open(self.boot, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 3: sock.fileno(),
               4: os.open(self.logs, os.O_RDONLY), 5: os.open(self.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)}
        fds[2] = os.dup(fds[1])
        fds[6] = os.memfd_create('config', 0)
        os.write(fds[6], text)
        os.lseek(fds[6], 0, 0)
        command = (prefix(self) if prefix else []) + [program, 'serve']
        self.pid = os.fork()
        if self.pid == 0:
            try:
                high = {to: os.dup2(fd, 100 + to, inheritable=False) for to, fd in fds.items()}
                for to, fd in high.items():
                    os.dup2(fd, to, inheritable=True)
                os.setsid()
                os.execvpe(command[0], command, {'PATH': '/usr/bin:/bin', 'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '')})
            finally:
                os._exit(127)
        for to, fd in fds.items():
            if to == 3:
                sock.close()
            else:
                os.close(fd)
        self.gone = False

    def client(self, **options):
        return Client(self.socket, self.secret, **options)

    def log(self, ident, suffix='out'):
        path = os.path.join(self.logs, f'{ident}.{suffix}')
        if not os.path.exists(path):
            return b''
        with open(path, 'rb') as f:
            return f.read()

    def order(self, ident):
        data = self.log(ident, 'ord')
        return [(at, run >> 31, run & 0x7fffffff) for at, run in struct.iter_unpack('<II', data)]

    def wait(self, timeout=10):
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if self.gone or os.waitpid(self.pid, os.WNOHANG)[0] == self.pid:
                self.gone = True
                return True
            time.sleep(0.005)
        return False

    def journal_exits(self):
        """The EXIT frames of the journal, by execution."""
        data, at, found = open(self.journal, 'rb').read(), 0, {}
        while at < len(data):
            n, kind, _ = struct.unpack_from('<IBI', data, at)
            if kind == 0xC1:
                e = parse_exit(data[at + 9:at + 4 + n])
                found[e.id] = e
            at += 4 + n
        return found

    def files(self, ident):
        return sorted(name for name in os.listdir(self.logs) if name.split('.')[0] == ident)

    def boot_log(self):
        with open(self.boot, errors='replace') as f:
            return f.read()

    def stop(self, keep=False):
        if not self.gone:
            for _ in range(50):
                try:
                    c = self.client()
                    c.call(0x0B, struct.pack('<I', 0), 0x80)
                    c.close()
                    break
                except (OSError, Closed, TimeoutError):
                    if self.wait(0.02):
                        break
            if not self.wait(8):
                os.kill(self.pid, signal.SIGKILL)
                self.wait(5)
        text = self.boot_log()
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)
        return text
