import { readlinkSync } from 'node:fs';
import type { Operation, OperationContext } from '../../operation.ts';
import type { LiveSandbox } from '../../sandboxes/types.ts';
import type { ExecDeps } from './deps.ts';
import { integer, optionalText } from './input.ts';
import { commandOf, isMachinery, PROCESS_SCRIPT, type ProcessEntry, type ProcessTable, readProcesses } from './processes.ts';
import { ask } from './question.ts';
import { defineTool } from './tool.ts';

const HEADER = 'PID\tPPID\tCPU\tMEM\tCOMMAND';
const SHOWN_LENGTH = 500;

/** Ends one process: SIGTERM, and after two seconds SIGKILL. 0 = gone, 10 = was not there, 11 = not ours to end, 12 = still there. */
const KILL_SCRIPT = `
there() { [ -d "/proc/$1" ] && read -r line <"/proc/$1/stat" 2>/dev/null && case $line in *') Z '*) false;; esac; }
[ -d "/proc/$1" ] || exit 10
kill -TERM "$1" 2>/dev/null || { [ -d "/proc/$1" ] && exit 11; exit 10; }
i=0
while [ $i -lt 80 ]; do
  there "$1" || exit 0
  [ $i -eq 40 ] && kill -KILL "$1" 2>/dev/null
  sleep 0.05
  i=$((i + 1))
done
exit 12`;

const table = async (deps: ExecDeps, live: LiveSandbox, context: OperationContext): Promise<ProcessTable> =>
  readProcesses((await ask(deps, live, 'list processes', ['/bin/sh', '-c', PROCESS_SCRIPT], context)).text);

const row = (process: ProcessEntry): string =>
  [
    process.pid,
    process.parent,
    process.cpuPercent.toFixed(1),
    process.memoryPercent.toFixed(1),
    commandOf(process).slice(0, SHOWN_LENGTH),
  ].join('\t');

const listOperation = (deps: ExecDeps): Operation =>
  defineTool({
    name: 'process.list',
    tool: 'list_processes',
    title: 'List processes',
    description: 'The processes that commands can see, with the CPU time they used of their life and the memory they use, in percent.',
    effect: 'read',
    input: { name_filter: optionalText },
    run: async ({ name_filter }, context) => {
      const live = await deps.place.live(context.signal);
      const { processes } = await table(deps, live, context);
      const wanted = (name_filter ?? '').toLowerCase();
      const shown = processes.filter(
        (one) => !isMachinery(one) && (one.name.toLowerCase().includes(wanted) || commandOf(one).toLowerCase().includes(wanted)),
      );
      return [HEADER, ...shown.map(row)].join('\n');
    },
  });

const ownNamespace = (): string => {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
};

/** Corral itself, whichever server of it; whatever else lives is fair game. */
const isCorral = (entry: ProcessEntry, { namespace }: ProcessTable): boolean => {
  const program = process.argv[1] ?? '';
  const sameMachine = namespace === '' || namespace === ownNamespace();
  return (
    entry.pid === 1 ||
    isMachinery(entry) ||
    (sameMachine && (entry.pid === process.pid || (program !== '' && entry.argv.slice(0, 4).includes(program))))
  );
};

const killOperation = (deps: ExecDeps): Operation =>
  defineTool({
    name: 'process.kill',
    tool: 'kill_process',
    title: 'Kill a process',
    description: 'End a process by its number, as list_processes and commands show it: SIGTERM, then SIGKILL.',
    effect: 'execute',
    idempotent: true,
    limited: false,
    input: { pid: integer },
    run: async ({ pid }, context) => {
      const missing = `Error: Process ${String(pid)} not found`;
      if (pid < 1) return missing;
      const live = await deps.place.live(context.signal);
      const known = await table(deps, live, context);
      const found = known.processes.find((one) => one.pid === pid);
      if (found === undefined) return missing;
      const denied = `Error: Permission denied to terminate process ${String(pid)}`;
      if (isCorral(found, known)) return `${denied}: it is part of Corral`;
      const { code } = await ask(deps, live, `kill process ${String(pid)}`, ['/bin/sh', '-c', KILL_SCRIPT, 'sh', String(pid)], context);
      if (code === 0) return `Process ${String(pid)} terminated`;
      if (code === 10) return missing;
      return code === 11 ? denied : `Error: Process ${String(pid)} could not be terminated`;
    },
  });

export const processOperations = (deps: ExecDeps): readonly Operation[] => [listOperation(deps), killOperation(deps)];
