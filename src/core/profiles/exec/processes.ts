/** One process as /proc tells it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** The kernel's name of it. */
  readonly name: string;
  readonly state: string;
  readonly argv: readonly string[];
  /** Of one processor, over its whole life. */
  readonly cpuPercent: number;
  /** Of the machine's memory. */
  readonly memoryPercent: number;
}

export interface ProcessTable {
  /** In the order of their numbers; without the processes that looked. */
  readonly processes: readonly ProcessEntry[];
  /** The name of the pid namespace in which they were seen. */
  readonly namespace: string;
}

/** What needs no `ps`: the table as the kernel gives it, then every argument behind the name of its file, all ended by NUL. */
export const PROCESS_SCRIPT = `
printf 'self %s %s %s\\n' "$$" "$(readlink /proc/self/ns/pid)" "$(getconf PAGESIZE 2>/dev/null || echo 4096)"
head -n 1 /proc/meminfo
cat /proc/uptime
cat /proc/[0-9]*/stat 2>/dev/null | cut -c 1-320
printf '\\0'
exec grep -azH '' /proc/[0-9]*/cmdline 2>/dev/null`;

const TICKS = 100;

const STAT = /^(\d+) \((.*)\) (\S) (\d+) ((?:-?\d+ )+)/s;

const numberAt = (fields: readonly string[], index: number): number => Number(fields[index] ?? 0);

/** Reads what the script printed. Lines that are none of the kernel's are passed over: names of processes are anybody's to choose. */
export const readProcesses = (text: string): ProcessTable => {
  const [head = '', ...records] = text.split('\0');
  const lines = head.split('\n');
  const [, self = '', namespace = '', page = '4096'] = (lines[0] ?? '').split(' ');
  const memoryBytes = Number(/^MemTotal:\s+(\d+) kB/m.exec(head)?.[1] ?? 0) * 1024;
  const uptime = Number(/^\d+\.\d+/.exec(lines[2] ?? '')?.[0] ?? 0);
  const argvs = new Map<number, string[]>();
  for (const record of records) {
    const [, pid = '', word = ''] = /^\/proc\/(\d+)\/cmdline:(.*)$/s.exec(record) ?? [];
    if (pid === '') continue;
    const argv = argvs.get(Number(pid)) ?? [];
    argv.push(word);
    argvs.set(Number(pid), argv);
  }
  const all = lines.slice(3).flatMap((line): readonly ProcessEntry[] => {
    const [, pid = '', name = '', state = '', parent = '', rest = ''] = STAT.exec(line) ?? [];
    if (pid === '') return [];
    // From the fifth field of the line on: utime is the 14th, stime the 15th, starttime the 22nd, rss the 24th.
    const fields = rest.split(' ');
    const lived = Math.max(uptime - numberAt(fields, 17) / TICKS, 1 / TICKS);
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        name,
        state,
        argv: argvs.get(Number(pid)) ?? [],
        cpuPercent: ((numberAt(fields, 9) + numberAt(fields, 10)) / TICKS / lived) * 100,
        memoryPercent: memoryBytes === 0 ? 0 : ((numberAt(fields, 19) * Number(page)) / memoryBytes) * 100,
      },
    ];
  });
  const looking = new Set([Number(self)]);
  for (const { pid, parent } of all) if (looking.has(parent)) looking.add(pid);
  return { processes: all.filter(({ pid }) => !looking.has(pid)).toSorted((one, other) => one.pid - other.pid), namespace };
};

const SUPERVISOR = 'corral-supervisor';
const NAME_LENGTH = 15;
/** As they are called on the machine, and inside of a sandbox. */
const PROGRAM = /(?:^|\/)corral-supervisor$|^\/run\/corral\/supervisor$/;

/** Corral's own: the launcher, supervisors, and what starts them. */
export const isMachinery = ({ name, argv }: ProcessEntry): boolean =>
  name === SUPERVISOR.slice(0, NAME_LENGTH) || argv.slice(0, 8).some((word) => PROGRAM.test(word));

/** The command line in one row. */
export const commandOf = ({ name, argv }: ProcessEntry): string =>
  (argv.length === 0 ? `[${name}]` : argv.join(' ')).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
