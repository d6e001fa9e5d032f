import { CorralError } from '../../../ports/errors.ts';
import { OUTCOME_KINDS } from '../../../ports/sandbox.ts';
import type {
  Exit,
  FileEntry,
  OutcomeKind,
  SandboxCommand,
  SandboxExecution,
  SandboxLimits,
  SandboxStats,
  Termination,
} from '../../../ports/sandbox.ts';
import { decodeExit, executionId } from './exit.ts';
import { ProtocolViolation } from './frames.ts';
import type { FrameReader, FrameWriter } from './frames.ts';
import { EXECUTION_ID, MAX_COUNT, MAX_LIST_ENTRIES, MAX_META_BYTES, RESOURCE, SPAWN_FLAG } from './protocol.ts';

const MAX_STEPS = 4;
const MAX_MS = 0xffff_ffff;

const invalid = (message: string): CorralError => new CorralError('invalid_input', message);

const checkText = (what: string, value: string): string => {
  if (value.includes('\0')) throw invalid(`${what} contains a NUL byte.`);
  return value;
};

export const checkExecutionId = (id: string): string => {
  if (!EXECUTION_ID.test(id)) throw invalid(`${JSON.stringify(id)} is not an execution id.`);
  return id;
};

/** A duration as the wire holds it: whole, at least 0, at most 49 days. */
export const milliseconds = (value: number | undefined): number => Math.min(MAX_MS, Math.max(0, Math.round(value ?? 0)));

const LAST_SIGNAL = 64;

export const checkSignal = (number: number): number => {
  if (!Number.isInteger(number) || number < 1 || number > LAST_SIGNAL)
    throw new CorralError('invalid_input', `${number} is not the number of a signal.`, {
      hint: 'Signals have numbers from 1 to 64: 15 is SIGTERM, 9 SIGKILL, 2 SIGINT.',
    });
  return number;
};

/** 1-based, in the order of the port's list. */
export const outcomeNumber = (kind: OutcomeKind | undefined): number => (kind === undefined ? 0 : OUTCOME_KINDS.indexOf(kind) + 1);

/** Kept by the kernel for each process; the smaller of the sandbox's and the command's own. */
const EACH = ['cpuSeconds', 'fileBytes', 'openFiles'] as const satisfies readonly (keyof SandboxLimits)[];

const smaller = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** Beside an execution's own: the kernel counts the processes of all of the sandbox. */
const NEIGHBOURS = 256;

/** A bomb forks faster than anybody looks: the kernel stops it not far beyond what the execution may have, for the supervisor to end it. */
const processesOf = (own: SandboxLimits, sandbox: SandboxLimits): number | undefined =>
  smaller(sandbox.processes, own.processes === undefined ? undefined : own.processes + NEIGHBOURS);

/** What holds for an execution: each process, and its tree. That all of the sandbox together may use no more is the supervisor's and the group's. */
const limitsOf = (own: SandboxLimits, sandbox: SandboxLimits): readonly (readonly [kind: number, value: number])[] =>
  (
    [
      [RESOURCE.core, 0],
      [RESOURCE.processes, processesOf(own, sandbox)],
      ...EACH.map((name) => [RESOURCE[name], smaller(own[name], sandbox[name])] as const),
      [RESOURCE.treeMemory, own.memoryBytes],
      [RESOURCE.treeTasks, own.processes],
    ] as const
  ).flatMap(([kind, value]) => (value === undefined ? [] : [[kind, value] as const]));

/** The payload of SPAWN. `environment` is what the driver adds; it is stronger than the command's own. */
export const encodeSpawn = (
  to: FrameWriter,
  command: SandboxCommand,
  limits: SandboxLimits,
  environment: Readonly<Record<string, string>>,
): void => {
  const { steps, pty } = command;
  if (steps.length < 1 || steps.length > MAX_STEPS) throw invalid(`An execution has 1 to ${MAX_STEPS} steps, not ${steps.length}.`);
  const meta = command.meta ?? '';
  if (Buffer.byteLength(meta) > MAX_META_BYTES) throw invalid(`meta is larger than ${MAX_META_BYTES} bytes.`);
  to.str(checkExecutionId(command.execution))
    .u8((pty === undefined ? 0 : SPAWN_FLAG.pty) | (command.keepStdinOpen === true ? SPAWN_FLAG.keepStdinOpen : 0))
    .u16(pty?.cols ?? 0)
    .u16(pty?.rows ?? 0)
    .u32(milliseconds(command.wallMs))
    .u32(milliseconds(command.graceMs))
    .u64(command.outputBytes ?? 0);
  const wanted = limitsOf(command.limits ?? {}, limits);
  to.u8(wanted.length);
  for (const [kind, value] of wanted) to.u8(kind).u64(value);
  to.str(checkText('cwd', command.cwd));
  const env = { ...command.env, ...environment };
  const names = Object.keys(env);
  to.u32(names.length);
  for (const name of names) {
    if (name === '' || name.includes('=')) throw invalid(`${JSON.stringify(name)} is not a name of an environment variable.`);
    to.str(checkText(`The environment variable ${name}`, `${name}=${env[name]}`));
  }
  to.u8(steps.length);
  for (const argv of steps) {
    if (argv.length === 0) throw invalid('A step needs at least the name of a program.');
    to.u32(argv.length);
    for (const argument of argv) to.str(checkText('An argument', argument));
  }
  to.str(command.stdin ?? new Uint8Array()).str(meta);
};

export interface Sizes {
  readonly execution: string;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

export const decodeOutput = (from: FrameReader): Sizes => ({
  execution: executionId(from),
  stdoutBytes: from.u64(),
  stderrBytes: from.u64(),
});

export const decodeClosed = (from: FrameReader): Pick<Exit, 'execution' | 'stdout' | 'stderr'> => {
  const execution = executionId(from);
  const [outBytes, errBytes] = [from.u64(), from.u64()];
  return { execution, stdout: { bytes: outBytes, newlines: from.u64() }, stderr: { bytes: errBytes, newlines: from.u64() } };
};

/** The journal's START record, as an execution that still runs. */
export const decodeStart = (from: FrameReader): SandboxExecution => ({
  execution: executionId(from),
  pid: from.u32(),
  startedMs: from.u64(),
  meta: from.str(),
  stdoutBytes: 0,
  stderrBytes: 0,
});

const decodeListed = (from: FrameReader, version: number): SandboxExecution => {
  const execution = executionId(from);
  const ended = from.u8() === 2;
  const [pid, startedMs, stdoutBytes, stderrBytes] = [from.u32(), from.u64(), from.u64(), from.u64()];
  const meta = from.str();
  const payload = from.nested();
  if (ended !== payload.left > 0) throw new ProtocolViolation('an ended execution without its exit, or a running one with it');
  const listed = { execution, pid, startedMs, meta, stdoutBytes, stderrBytes };
  if (!ended) return listed;
  const exit = decodeExit(payload, version);
  payload.finish();
  if (exit.execution !== execution) throw new ProtocolViolation('the exit of another execution');
  return { ...listed, exit };
};

export const decodeList =
  (version: number) =>
  (from: FrameReader): readonly SandboxExecution[] =>
    Array.from({ length: from.count(MAX_COUNT) }, () => decodeListed(from, version));

export const decodeTermination = (from: FrameReader): Termination => ({ ended: from.u32(), survivors: from.list(MAX_COUNT) });

export const decodeStats = (from: FrameReader): SandboxStats => ({
  processes: from.u32(),
  rssBytes: from.u64(),
  running: from.u32(),
  ended: from.u32(),
  uptimeMs: from.u64(),
  logBytes: from.u64(),
});

const ENTRY_KINDS = ['file', 'directory', 'link', 'other'] as const;

export const decodeEntry = (from: FrameReader): FileEntry => {
  const name = from.str();
  const kind = ENTRY_KINDS[from.u8() - 1];
  if (kind === undefined) throw new ProtocolViolation('an unknown kind of directory entry');
  const [size, modifiedMs, mode, target] = [from.u64(), from.u64(), from.u32(), from.str()];
  return { name, kind, size, modifiedMs, mode, ...(kind === 'link' && { target }) };
};

export const decodeEntries = (from: FrameReader): { entries: readonly FileEntry[]; more: boolean } => {
  const more = from.u8() === 1;
  return { more, entries: Array.from({ length: from.count(MAX_LIST_ENTRIES) }, () => decodeEntry(from)) };
};
