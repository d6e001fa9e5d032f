import type { Attack, CallName, EscapeProbe } from './probe.ts';

const shell = (name: string, script: string): Attack => ({ name, kind: 'shell', script });
const call = (name: string, what: CallName, ...args: (number | string)[]): Attack => ({ name, kind: 'call', call: what, args });

const NAMESPACES = { user: 0x1000_0000, mount: 0x2_0000, pid: 0x2000_0000, net: 0x4000_0000 };
const [TIOCSTI, TIOCLINUX, TIOCSETD] = [0x5412, 0x541c, 0x5423];
const [AF_INET, AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK] = [2, 16, 17, 38, 40];
const [STREAM, RAW] = [1, 3];
const NETLINK_AUDIT = 9;
const READ_IMPLIES_EXEC = 0x40_0000;

export const KERNEL_PROBES: readonly EscapeProbe[] = [
  {
    id: 'network',
    title: 'Networks',
    expected: 'neither the host, its services, nor a metadata service can be reached',
    attacks: ({ port, abstract }) => [
      { name: 'loopback', kind: 'tcp', to: `127.0.0.1 ${port}` },
      { name: 'metadata', kind: 'tcp', to: '169.254.169.254 80' },
      { name: 'abstract-socket', kind: 'abstract', to: abstract },
      shell('interfaces', "tail -n +3 /proc/net/dev | cut -d: -f1 | grep -qv '^ *lo$'"),
    ],
  },
  {
    id: 'sockets',
    title: 'Kinds of sockets',
    expected: 'raw, packet, kernel and hypervisor sockets cannot be made',
    attacks: () => [
      call('raw', 'socket', AF_INET, RAW, 1),
      call('packet', 'socket', AF_PACKET, RAW, 0),
      call('audit', 'socket', AF_NETLINK, RAW, NETLINK_AUDIT),
      call('crypto', 'socket', AF_ALG, 5, 0),
      call('hypervisor', 'socket', AF_VSOCK, STREAM, 0),
    ],
  },
  {
    id: 'namespaces',
    title: 'Namespaces and mounts',
    expected: 'no namespace can be made or entered, nothing can be mounted',
    attacks: () => [
      ...Object.entries(NAMESPACES).map(([name, flag]) => call(`new-${name}`, 'unshare', flag)),
      call('enter', 'setns', -1),
      call('hidden-flags', 'clone3'),
      call('mount', 'mount'),
      call('unmount', 'umount2'),
      call('change-root', 'pivot_root'),
      call('mount-by-descriptor', 'fsopen'),
      shell('unshare-program', 'unshare --user true'),
      shell('mount-program', 'mount -t tmpfs none /tmp'),
    ],
  },
  {
    id: 'system-calls',
    title: 'Calls with a history of escapes',
    expected: 'each is refused before the kernel looks at its arguments',
    attacks: () => [
      call('ptrace', 'ptrace', 0x4206, 0x7fff_ffff),
      call('read-memory', 'process_vm_readv', 0x7fff_ffff),
      call('compare', 'kcmp', 0x7fff_ffff, 0x7fff_ffff),
      call('bpf', 'bpf', 99),
      call('perf', 'perf_event_open'),
      call('userfaultfd', 'userfaultfd', 0xffff),
      call('io-uring', 'io_uring_setup', 1),
      call('keyring', 'keyctl', 0, -3, 0),
      call('add-key', 'add_key'),
      call('file-handle', 'name_to_handle_at', -1),
      call('open-handle', 'open_by_handle_at', -1),
      call('quota', 'quotactl', 0xffff),
      call('filter', 'seccomp', 99),
      call('personality', 'personality', READ_IMPLIES_EXEC),
    ],
  },
  {
    id: 'terminal',
    title: 'Typing into a terminal',
    expected: 'TIOCSTI and its like are refused, also with bits that the kernel does not look at',
    attacks: () =>
      [['push', TIOCSTI] as const, ['console', TIOCLINUX] as const, ['discipline', TIOCSETD] as const].flatMap(([name, request]) => [
        call(name, 'ioctl', 0, request),
        call(`${name}-high-bits`, 'ioctl', 0, `0xdead0000${request.toString(16)}`),
      ]),
  },
  {
    id: 'privileges',
    title: 'Privileges',
    expected: 'no capability, no way to gain one, and the filter is on',
    attacks: () => [
      shell('capabilities', "grep -Eq '^Cap(Inh|Prm|Eff|Bnd|Amb):.*[1-9a-f]' /proc/self/status"),
      shell('new-privileges', "! grep -Eq '^NoNewPrivs:[[:space:]]*1' /proc/self/status"),
      shell('no-filter', "! grep -Eq '^Seccomp:[[:space:]]*2' /proc/self/status"),
    ],
  },
];
