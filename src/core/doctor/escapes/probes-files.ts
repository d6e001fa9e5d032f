import { quote } from './quote.ts';
import type { Attack, EscapeProbe } from './probe.ts';

const shell = (name: string, script: string): Attack => ({ name, kind: 'shell', script });
/** Reads one byte: an empty file proves nothing. */
const read = (name: string, path: string): Attack => shell(name, `head -c 1 ${quote(path)} | grep -q .`);
const see = (name: string, path: string): Attack => shell(name, `[ -e ${quote(path)} ]`);
/** Leaves nothing when it succeeds. */
const write = (name: string, folder: string): Attack => shell(name, `t=${quote(folder)}/.corral-probe-$$; ( : >"$t" ) && rm -f "$t"`);
/** Opens for writing and writes nothing. */
const openForWriting = (name: string, path: string): Attack => shell(name, `: >>${quote(path)}`);

const SYSTEM_FOLDERS = ['/', '/usr', '/usr/bin', '/usr/lib', '/usr/local/bin', '/etc', '/bin', '/lib', '/dev', '/run', '/var', '/home'];
const KERNEL_FILES = ['kallsyms', 'kcore', 'kmsg', 'keys', 'timer_list', 'modules', 'config.gz', 'sched_debug', 'interrupts'];
const SETTINGS = [
  'kernel/core_pattern',
  'kernel/modprobe',
  'kernel/hostname',
  'vm/drop_caches',
  'net/ipv4/ip_forward',
  'user/max_user_namespaces',
];

const nameOf = (path: string): string =>
  path
    .slice(1)
    .replaceAll(/[^a-z0-9]+/gi, '-')
    .toLowerCase() || 'root';

export const FILE_PROBES: readonly EscapeProbe[] = [
  {
    id: 'host-files',
    title: 'Files of the host',
    expected: 'nothing of the host but its programs can be seen',
    attacks: ({ outside, stateDir, homePaths }) => [
      read('readable-file', `${outside}/secret`),
      see('state-folder', stateDir),
      ...homePaths.map((path, index) => see(`home-${index}`, path)),
      ...['/etc/shadow', '/etc/gshadow', '/etc/ssh/sshd_config', '/etc/hostname', '/etc/machine-id'].map((path) => see(nameOf(path), path)),
      ...[
        '/boot',
        '/sys/kernel',
        '/var/log',
        '/var/lib',
        '/run/systemd',
        '/run/user',
        '/run/docker.sock',
        '/var/run/docker.sock',
        '/lost+found',
      ].map((path) => see(nameOf(path), path)),
      read('root-of-pid-1', '/proc/1/root/etc/shadow'),
      shell('disks', 'ls /dev | grep -Eq "^(sd|vd|nvme|xvd|dm-|loop|mem$|kmsg$|port$)"'),
    ],
  },
  {
    id: 'host-writes',
    title: 'Writing outside the workspaces',
    expected: 'everything but the workspaces, /tmp, /dev/shm and the home inside is read-only',
    attacks: ({ outside, readOnly }) => [
      write('open-folder', `${outside}/open`),
      ...SYSTEM_FOLDERS.map((folder) => write(`in-${nameOf(folder)}`, folder)),
      ...readOnly.map((folder, index) => write(`toolchain-${index}`, folder)),
      write('supervisor-folder', '/run/corral'),
      openForWriting('supervisor', '/run/corral/supervisor'),
      openForWriting('shell', '/bin/sh'),
    ],
  },
  {
    id: 'kernel-settings',
    title: 'Settings of the kernel',
    expected: '/proc/sys and its like cannot be written',
    attacks: () => [
      ...SETTINGS.map((name) => openForWriting(nameOf(`/${name}`), `/proc/sys/${name}`)),
      openForWriting('sysrq', '/proc/sysrq-trigger'),
    ],
  },
  {
    id: 'kernel-facts',
    title: 'Addresses and state of the kernel',
    expected: 'no file of /proc tells where the kernel lies or what it does',
    attacks: () => [
      ...KERNEL_FILES.map((name) => read(nameOf(`/${name}`), `/proc/${name}`)),
      shell('firmware', 'ls /proc/acpi /proc/scsi | grep -v : | grep -q .'),
      { name: 'log', kind: 'call', call: 'syslog', args: [10] },
    ],
  },
];
