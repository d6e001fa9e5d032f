"""Encodes plans (docs/reference/shell-plan.md), for the tests and the corpus of the fuzzer."""
import base64, struct
from client import s, strings

ALWAYS, SUCCESS, FAILURE = 0, 1, 2


def glob(text):
    return (1, text)


def word(value):
    """A text, a list of texts and glob(...) parts, or a tuple (list, True): its matches have to lie inside."""
    parts, inside = value if isinstance(value, tuple) and isinstance(value[0], list) else (value, False)
    if not isinstance(parts, list):
        parts = [parts]
    parts = [p if isinstance(p, tuple) else (0, p) for p in parts]
    return bytes([inside]) + struct.pack('<I', len(parts)) + b''.join(bytes([kind]) + s(text) for kind, text in parts)


def to_fd(fd, source):
    return bytes([fd, 1, source])


def to_null(fd):
    return bytes([fd, 2])


def reading(path, fd=0):
    return bytes([fd, 3]) + s(path)


def writing(path, fd=1):
    return bytes([fd, 4]) + s(path)


def appending(path, fd=1):
    return bytes([fd, 5]) + s(path)


def feeding(data):
    return bytes([0, 6]) + s(data)


def command(*words, path=None, redirects=(), env=(), device=0, inode=0):
    path = f'/usr/bin/{words[0]}' if path is None else path
    return (s(path) + struct.pack('<QQ', device, inode) + strings(list(env)) + struct.pack('<I', len(redirects)) + b''.join(redirects)
            + struct.pack('<I', len(words)) + b''.join(word(w) for w in words))


def step(*stages, when=ALWAYS, timed=False):
    return bytes([when, timed, len(stages)]) + b''.join(stages)


def cd(path, when=ALWAYS):
    return bytes([when, 0, 0]) + s(path)


def plan(*steps, roots=(), readable=(), report=False, version=1):
    return bytes([version, report]) + strings(list(roots)) + strings(list(readable)) + struct.pack('<I', len(steps)) + b''.join(steps)


def arguments(blob, size=96 * 1024):
    text = base64.b64encode(blob).decode()
    return [text[i:i + size] for i in range(0, len(text), size)]
