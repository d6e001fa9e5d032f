"""Writes the seed corpus: corpus.py DIR. One well-formed request of each type; the first byte chooses the mode (see target.c)."""
import os, struct, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'test'))
import plan as plans
from client import Client, configuration, frame, s, strings

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
spawn = Client.spawn_payload(None, 'a1', ['sh', '-c', 'echo hi'], ['true'], flags=3, limits=[(1, 64), (5, 99)], stdin=b'in', env={'A': 'b', 'PATH': '/bin'})
serve = {
    'hello': (0x01, struct.pack('<H', 2) + bytes(32) + b'\1'), 'spawn': (0x02, spawn), 'input': (0x03, s('a') + b'\1' + s('data')),
    'kill': (0x04, s('a') + struct.pack('<BBIB', 1, 15, 100, 4)), 'list': (0x05, b''), 'ack': (0x06, s('a')),
    'resize': (0x07, s('a') + struct.pack('<HH', 80, 24)), 'wait_port': (0x08, struct.pack('<HI', 80, 100)), 'cancel': (0x09, struct.pack('<I', 3)),
    'lease': (0x0A, struct.pack('<I', 1000)), 'shutdown': (0x0B, struct.pack('<I', 0)), 'stats': (0x0C, b''), 'inspect': (0x0E, s('a')), 'wait_file': (0x0F, s('/x/y') + struct.pack('<I', 100)), 'watch': (0x0D, s('a') + b'\1'),
    'read': (0x10, s('/x/y') + struct.pack('<QI', 0, 100)), 'write': (0x11, s('/x') + struct.pack('<BIQ', 33, 0o644, 0) + s('data')),
    'stat': (0x12, s('/x') + b'\1'), 'fslist': (0x13, s('/x') + s('b') + struct.pack('<I', 10)), 'remove': (0x14, s('/x') + b'\1'),
    'mkdir': (0x15, s('/x') + struct.pack('<BI', 1, 0o755)), 'rename': (0x16, s('/x') + s('/y') + b'\1'),
}
for name, (kind, payload) in serve.items():
    with open(os.path.join(out, name), 'wb') as f:
        f.write((b'\0' if name == 'hello' else b'\1') + frame(kind, 7, payload))
launch = (b''.join(s(x) for x in ('sb', '/run/s', '/logs', '/journal', '/boot')) + s(configuration(bytes(32), bytes(32), ['/x']))
          + struct.pack('<II', 1000, 1000) + strings(['/sys/fs/cgroup/x/cgroup.procs']) + strings(['', '/sys/fs/cgroup/x/memory.events']) + s('/mnt') + struct.pack('<I', 1) + s('/src') + s('name') + b'\1'
          + strings(['/usr/bin/bwrap', '--', 'x']) + strings(['A=b']) + strings(['blob', '']))
with open(os.path.join(out, 'launch'), 'wb') as f:
    f.write(b'\2' + frame(0x20, 7, launch))
with open(os.path.join(out, 'several'), 'wb') as f:
    f.write(b'\1' + b''.join(frame(k, i + 1, p) for i, (k, p) in enumerate(serve.values())))
c = plans.command
one = plans.plan(
    plans.step(c('ls', '-l', [plans.glob('*'), '.ts'], (['a', plans.glob('[!a-c[:digit:]]?')], True), env=['LC_ALL=C']), c('wc', redirects=[plans.to_fd(2, 1), plans.to_null(0)])),
    plans.cd('d', when=1), plans.step(c('cat', redirects=[plans.feeding('x\n'), plans.writing('o'), plans.appending('p'), plans.reading('q')]), when=2, timed=True),
    roots=['/work', '/tmp'], readable=['/etc/hosts'], report=True)
with open(os.path.join(out, 'plan'), 'wb') as f:
    f.write(b'\4' + one)
with open(os.path.join(out, 'plan_small'), 'wb') as f:
    f.write(b'\4' + plans.plan(plans.step(c('x', [plans.glob('*')])), roots=['/']))
with open(os.path.join(out, 'plan_text'), 'wb') as f:
    f.write(b'\10' + ''.join(plans.arguments(one)).encode())
