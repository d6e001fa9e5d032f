import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';
import type { Config } from '../config/schema.ts';
import type { OperationContext } from '../operation.ts';
import { MAX_SIDE } from '../terminal/sizes.ts';

/** The kernel refuses a single argument of 128 KiB; the text of a command is one. */
export const ARGUMENT_BYTES = 128 * 1024 - 1;
/** As they travel with the execution, beside its title and folder. */
const LABELS_BYTES = 8192;

export const noNul = (text: string): boolean => !text.includes('\0');
const NUL_MESSAGE = 'must not contain NUL';

export const executionId = z.string().min(1).max(64);
/** Named in one call. */
export const MAX_EXECUTIONS = 100;

const side = z.int().min(1).max(MAX_SIDE).optional();
/** What is left out stays as it is, or as is usual. */
export const terminalSides = z.strictObject({ cols: side, rows: side });

export const waitSeconds = ({ maxWaitSeconds }: Pick<Config, 'maxWaitSeconds'>) =>
  z
    .number()
    .min(0)
    .max(maxWaitSeconds, `at most ${String(maxWaitSeconds)}: clients cut longer calls; the program goes on and wait continues`)
    .optional();

type WaitConfig = Pick<Config, 'waitSeconds' | 'maxWaitSeconds'>;

/** Where a call says nothing, and the operator may have lowered the bound alone. */
export const usualWaitSeconds = ({ waitSeconds: usual, maxWaitSeconds }: WaitConfig): number => Math.min(usual, maxWaitSeconds);

/** How long a call stays for the end of the program that it starts. */
export const patienceMs = (seconds: number | undefined, context: Pick<OperationContext, 'patienceMs'>, config: WaitConfig): number =>
  seconds === undefined ? (context.patienceMs ?? usualWaitSeconds(config) * 1000) : seconds * 1000;

/** What execute_command and execute_code share. */
export const startFields = (config: WaitConfig) => ({
  cwd: z.string().min(1).max(4096).refine(noNul, NUL_MESSAGE).optional().describe('Default: the workspace.'),
  env: z.record(z.string().regex(/^[^=\0]+$/, 'a variable name has no "=" and no NUL'), z.string().refine(noNul, NUL_MESSAGE)).optional(),
  stdin: z.string().optional().describe('Text on standard input.'),
  wait_seconds: waitSeconds(config).describe(
    `Answer at the latest after this (default ${String(usualWaitSeconds(config))}, max ${String(config.maxWaitSeconds)}); the program goes on.`,
  ),
  timeout_seconds: z.number().positive().max(31_536_000).optional().describe('Deadline that ends the whole tree.'),
  sandbox: z.string().min(1).max(64).optional().describe('Default: the shared one. "ephemeral": a fresh one, gone after.'),
  labels: z
    .record(z.string().min(1).max(64), z.string().max(256))
    .refine((labels) => Object.keys(labels).length <= 16, 'at most 16 labels')
    .refine(
      (labels) => Buffer.byteLength(JSON.stringify(JSON.stringify(labels))) <= LABELS_BYTES,
      `at most ${String(LABELS_BYTES)} bytes together`,
    )
    .optional(),
  detach: z.boolean().optional().describe('Goes on if this call is cancelled.'),
  raw: z.boolean().optional().describe('Output as printed, nothing folded.'),
});

type StartFields = ReturnType<typeof startFields>;

/** The same, for tools that refer to execute_command: descriptions are paid for once. */
export const startFieldsUndescribed = (config: WaitConfig): StartFields =>
  Object.fromEntries(Object.entries(startFields(config)).map(([name, field]) => [name, field.describe('')])) as unknown as StartFields;

/** argv for the kernel: nothing empty in front, no NUL, no word it would refuse. */
export const checkArgv = (argv: readonly string[]): void => {
  if (argv.length === 0 || argv[0] === '')
    throw new CorralError('invalid_input', 'command: the array is empty or names no program.', {
      hint: 'Give ["program", "argument", ...] or shell text.',
    });
  for (const [index, word] of argv.entries()) {
    if (word.includes('\0')) throw new CorralError('invalid_input', `command[${String(index)}]: ${NUL_MESSAGE}.`);
    const bytes = Buffer.byteLength(word);
    if (bytes > ARGUMENT_BYTES)
      throw new CorralError(
        'limit_exceeded',
        `command[${String(index)}]: ${String(bytes)} bytes; one argument holds at most ${String(ARGUMENT_BYTES)}.`,
        {
          hint: 'Write it to a file (files, action "write") and pass the path, or hand it over as stdin.',
        },
      );
  }
};

/** Bytes for standard input; refuses what one frame to the sandbox cannot carry. */
const STDIN_BYTES = 2 * 1024 * 1024;
export const stdinBytes = (text: string | undefined): Uint8Array | undefined => {
  if (text === undefined) return undefined;
  const data = Buffer.from(text);
  if (data.length > STDIN_BYTES)
    throw new CorralError('limit_exceeded', `stdin: ${String(data.length)} bytes; at most ${String(STDIN_BYTES)} in one call.`, {
      hint: 'Write it to a file (files, action "write") and redirect from there, or send it in parts with send_input.',
    });
  return data;
};
