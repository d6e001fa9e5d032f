import { constants } from 'node:os';
import { CorralError } from '../../../ports/errors.ts';
import type { ErrorCode } from '../../../ports/errors.ts';

/** Codes of the supervisor's ERROR reply. */
export const SUPERVISOR_ERROR = {
  badRequest: 1,
  unknownExecution: 2,
  duplicateExecution: 3,
  tooMany: 4,
  programNotFound: 5,
  notExecutable: 6,
  badCwd: 7,
  spawnFailed: 8,
  inputClosed: 9,
  inputFull: 10,
  outsideRoots: 11,
  notFound: 12,
  notAFile: 13,
  exists: 14,
  io: 15,
  notADirectory: 16,
  notEmpty: 17,
  permission: 18,
  noSpace: 19,
  argumentTooLong: 20,
  noTerminal: 21,
  terminalClosed: 22,
} as const;

/** What the server knows about the request that failed; it makes messages useful. */
export interface ErrorContext {
  /** What was attempted: "read", "start". */
  readonly action: string;
  readonly execution?: string;
  readonly program?: string;
  readonly searchPath?: string;
  readonly cwd?: string;
  readonly path?: string;
  /** Where something was to go. */
  readonly target?: string;
  readonly roots?: readonly string[];
}

interface Refusal {
  readonly code: ErrorCode;
  message(context: ErrorContext, text: string): string;
  hint?(context: ErrorContext): string;
}

const quoted = (value: string | undefined): string => JSON.stringify(value ?? '');
const subject = (context: ErrorContext): string => quoted(context.path ?? context.program ?? context.execution);

const REFUSALS: ReadonlyMap<number, Refusal> = new Map<number, Refusal>([
  [
    SUPERVISOR_ERROR.badRequest,
    { code: 'internal', message: ({ action }, text) => `The supervisor refused the form of the request to ${action}: ${text}` },
  ],
  [
    SUPERVISOR_ERROR.unknownExecution,
    { code: 'not_found', message: ({ execution }) => `The sandbox knows no execution ${quoted(execution)}; it may have ended.` },
  ],
  [
    SUPERVISOR_ERROR.duplicateExecution,
    { code: 'conflict', message: ({ execution }) => `The sandbox already has an execution ${quoted(execution)}.` },
  ],
  [
    SUPERVISOR_ERROR.tooMany,
    {
      code: 'limit_exceeded',
      message: (_, text) => `The sandbox holds as much as it may: ${text}`,
      hint: () => 'Wait for a running execution or terminate one, then call again.',
    },
  ],
  [
    SUPERVISOR_ERROR.programNotFound,
    {
      code: 'failed_to_start',
      message: ({ program, searchPath }) =>
        program?.includes('/')
          ? `${quoted(program)} does not exist in the sandbox.`
          : `${quoted(program)} was not found in PATH (${searchPath === undefined || searchPath === '' ? 'which is empty' : searchPath}).`,
      hint: () => 'describe_environment lists the programs and languages that are here.',
    },
  ],
  [
    SUPERVISOR_ERROR.notExecutable,
    {
      code: 'failed_to_start',
      message: ({ program }, text) => `${quoted(program)} cannot be executed: ${text}`,
      hint: () => 'Make it executable (chmod +x) or run it through its interpreter, such as ["sh", "FILE"].',
    },
  ],
  [
    SUPERVISOR_ERROR.badCwd,
    {
      code: 'failed_to_start',
      message: ({ cwd }, text) =>
        `The working directory ${quoted(cwd)} cannot be entered: ${text.replace(/^the working folder cannot be entered: /, '')}`,
      hint: () => 'Name an existing directory of the sandbox as cwd, or leave it out.',
    },
  ],
  [
    SUPERVISOR_ERROR.spawnFailed,
    {
      code: 'failed_to_start',
      message: ({ program }, text) => `${quoted(program)} could not be started: ${text}`,
      hint: () => 'The sandbox may be at its limit of processes or memory: terminate what is no longer needed and call again.',
    },
  ],
  [
    SUPERVISOR_ERROR.inputClosed,
    {
      code: 'conflict',
      message: ({ execution }) => `Standard input of ${quoted(execution)} is closed.`,
      hint: () => 'Start the program with its input kept open, and send no more after the end of input.',
    },
  ],
  [
    SUPERVISOR_ERROR.inputFull,
    {
      code: 'limit_exceeded',
      message: ({ execution }) => `The program ${quoted(execution)} does not read its input: 1 MiB is waiting already.`,
      hint: () => 'Read its output to see what it waits for, then send the rest.',
    },
  ],
  [
    SUPERVISOR_ERROR.outsideRoots,
    {
      code: 'denied',
      message: (context) => `${subject(context)} lies outside the folders of this sandbox, or a link leads outside.`,
      hint: ({ roots }) => `Use an absolute path beneath ${(roots ?? []).join(' or ') || 'a workspace'}.`,
    },
  ],
  [
    SUPERVISOR_ERROR.notFound,
    {
      code: 'not_found',
      message: (context) => `${subject(context)} does not exist.`,
      hint: () => 'List the parent directory to see what is there.',
    },
  ],
  [
    SUPERVISOR_ERROR.notAFile,
    {
      code: 'invalid_input',
      message: (context) => `${subject(context)} is not a regular file.`,
      hint: () => 'Only regular files are read and written; list a directory instead.',
    },
  ],
  [
    SUPERVISOR_ERROR.exists,
    {
      code: 'conflict',
      message: (context) => `${context.target === undefined ? subject(context) : quoted(context.target)} exists already.`,
      hint: () => 'Choose another name, or ask for it to be replaced.',
    },
  ],
  [
    SUPERVISOR_ERROR.io,
    {
      code: 'unavailable',
      message: (context, text) => `Could not ${context.action} ${subject(context)}: ${text}`,
      hint: () => 'The file system of the sandbox refused; look at the named reason, and try again if it can pass.',
    },
  ],
  [
    SUPERVISOR_ERROR.notADirectory,
    {
      code: 'invalid_input',
      message: (context) => `${subject(context)} is not a directory, or a part of its path is not one.`,
      hint: () => 'List the parent directory to see what is there.',
    },
  ],
  [
    SUPERVISOR_ERROR.notEmpty,
    {
      code: 'conflict',
      message: (context) => `The directory ${subject(context)} is not empty.`,
      hint: () => 'Remove it recursively if its content may go.',
    },
  ],
  [
    SUPERVISOR_ERROR.permission,
    {
      code: 'denied',
      message: (context, text) => `No permission to ${context.action} ${subject(context)}: ${text}`,
      hint: () => 'Its permission bits or a read-only mount forbid it; choose another place.',
    },
  ],
  [
    SUPERVISOR_ERROR.noSpace,
    {
      code: 'limit_exceeded',
      message: (context) => `No space or quota is left to ${context.action} ${subject(context)}.`,
      hint: () => 'Remove files that are no longer needed, then call again.',
    },
  ],
  [
    SUPERVISOR_ERROR.argumentTooLong,
    {
      code: 'failed_to_start',
      message: ({ program }) => `The arguments and environment of ${quoted(program)} are larger than the kernel accepts.`,
      hint: () => 'Write the data to a file or send it as standard input instead of an argument.',
    },
  ],
  [
    SUPERVISOR_ERROR.noTerminal,
    {
      code: 'invalid_input',
      message: ({ execution }) => `Execution ${quoted(execution)} runs on pipes, which have no size.`,
      hint: () => 'Start it with pty: true, or pty: {"cols": 80, "rows": 24}.',
    },
  ],
  [
    SUPERVISOR_ERROR.terminalClosed,
    {
      code: 'conflict',
      message: ({ execution }) => `The terminal of execution ${quoted(execution)} is closed: every program on it has ended.`,
      hint: () => 'Start the program again; the size can be given at the start.',
    },
  ],
]);

const ERRNO_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
/** Texts of the supervisor are hostile input: shown, but short and on one line. */
const MAX_TEXT = 300;

const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').slice(0, MAX_TEXT);

/** An ERROR reply as the error that the core understands. */
export const supervisorError = (code: number, errno: number, text: string, context: ErrorContext): CorralError => {
  const reason = oneLine(text) || (ERRNO_NAMES.get(errno) ?? `errno ${errno}`);
  const details = { supervisorCode: code, ...(errno !== 0 && { errno: ERRNO_NAMES.get(errno) ?? errno }) };
  const refusal = REFUSALS.get(code);
  if (refusal === undefined)
    return new CorralError('internal', `The supervisor answered ${context.action} with unknown code ${code}: ${reason}`, { details });
  const hint = refusal.hint?.(context);
  return new CorralError(refusal.code, refusal.message(context, reason), { ...(hint !== undefined && { hint }), details });
};
