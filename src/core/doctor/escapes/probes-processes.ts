import { quote } from './quote.ts';
import type { Attack, CallName, EscapeProbe } from './probe.ts';

const shell = (name: string, script: string): Attack => ({ name, kind: 'shell', script });
const call = (name: string, what: CallName, ...args: (number | string)[]): Attack => ({ name, kind: 'call', call: what, args });
/** A pattern that finds `word` in command lines, but not in the line of the search itself. */
const hidden = (word: string): string => quote(`${word.slice(0, -1).replaceAll(/[.[\]*^$\\]/g, '\\$&')}[${word.slice(-1)}]`);

const PTRACE_SEIZE = 0x4206;
const [SIGKILL, SIGTERM, SIGSTOP] = [9, 15, 19];
const RLIMIT_NOFILE = 7;
const [PRIO_PROCESS, PRIO_USER] = [0, 2];
const [IOPRIO_WHO_PROCESS, IDLE] = [1, 3 << 13];

/**
 * As many processes as `count`, alive at once. In a session of its own, which is killed whatever becomes of it: what is left of a bomb would
 * take the place of the next probe. They sleep for longer than a shell tries to fork again.
 */
const spawnMany = (count: number): string => `setsid sh -c '
  trap "kill -KILL 0" EXIT
  i=0
  while [ $i -lt ${count} ]; do sleep 20 & i=$((i+1)); done
  set -- /proc/[0-9]*
  [ $# -ge ${count} ] || exit 1
  trap "" EXIT TERM
  kill -TERM 0'`;

/** A path that does not stand in the command line of the search as it is. */
const apart = (path: string): string => `${quote(path.slice(0, -1))}${quote(path.slice(-1))}`;

export const PROCESS_PROBES: readonly EscapeProbe[] = [
  {
    id: 'server-secrets',
    title: 'Environment and command line of the server',
    expected: 'no process that is seen has a variable of the server, and the server is not seen',
    attacks: ({ serverVariables, stateDir }) => [
      ...(serverVariables.length === 0
        ? []
        : [shell('environments', `cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -Eq '^(${serverVariables.join('|')})='`)]),
      shell('command-lines', `cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -q ${hidden(stateDir)}`),
      shell('launcher', "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -q 'corral-supervisor launc[h]'"),
      shell('other-users-processes', "cat /proc/[0-9]*/comm | grep -Eqx 'systemd|init|kthreadd|sshd|dockerd|containerd'"),
    ],
  },
  {
    id: 'descriptors',
    title: 'Open files of the server',
    expected: 'a command has standard input, output and error, and nothing else',
    attacks: () => [shell('inherited', 'for n in $(seq 3 255); do [ -e /proc/self/fd/$n ] && exit 0; done; exit 1')],
  },
  {
    id: 'supervisor',
    title: 'The supervisor, pid 1 inside',
    expected: 'it cannot be read, traced, signalled, slowed or starved',
    attacks: () => [
      ...['environ', 'maps', 'auxv', 'stack'].map((name) => shell(`read-${name}`, `head -c 1 /proc/1/${name} | grep -q .`)),
      shell('read-mem', ': </proc/1/mem'),
      shell('write-mem', ': >>/proc/1/mem'),
      shell('descriptors', 'ls -l /proc/1/fd/ | grep -q -- "->"'),
      shell('oom-score', 'echo 1000 >/proc/1/oom_score_adj'),
      call('trace', 'ptrace', PTRACE_SEIZE, 1),
      call('read-memory', 'process_vm_readv', 1),
      call('open', 'pidfd_open', 1, 0),
      call('limits', 'prlimit64', 1, RLIMIT_NOFILE),
      call('priority', 'setpriority', PRIO_PROCESS, 1, 0),
      call('priority-of-user', 'setpriority', PRIO_USER, 0, 0),
      call('disk-priority', 'ioprio_set', IOPRIO_WHO_PROCESS, 1, IDLE),
      call('processors', 'sched_setaffinity', 1),
      call('stop', 'kill', 1, SIGSTOP),
      call('kill', 'kill', 1, SIGKILL),
      call('end', 'tgkill', 1, 1, SIGTERM),
      shell('stopped', 'sed "s/.*) //" /proc/1/stat | grep -q ^[Tt]'),
    ],
  },
  {
    id: 'neighbours',
    title: 'Other sandboxes',
    expected: 'no process, temporary file or shared memory of another sandbox is seen',
    attacks: ({ neighbour }) => [
      shell('processes', `cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -q ${hidden(neighbour)}`),
      ...['/tmp', '/var/tmp', '/dev/shm', '/home/sandbox'].map((folder) =>
        shell(`file-in-${folder.slice(1).replace('/', '-')}`, `[ -e ${apart(`${folder}/${neighbour}`)} ]`),
      ),
    ],
  },
  {
    id: 'processes',
    title: 'A fork bomb',
    expected: 'processes beyond the limit do not start',
    attacks: ({ processes }) => (processes === 0 ? [] : [shell('many', spawnMany(processes + 16))]),
  },
];
