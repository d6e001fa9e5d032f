import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';

/** What a wait may end with; several = whichever comes first. */
export interface Until {
  readonly exit: boolean;
  readonly output?: string | undefined;
  readonly stream?: 'stdout' | 'stderr' | undefined;
  readonly port?: number | undefined;
  readonly silenceSeconds?: number | undefined;
}

export const untilSchema = z
  .union([
    z.string().max(2000),
    z.strictObject({
      exit: z.boolean().optional(),
      output: z.string().min(1).max(2000).optional(),
      stream: z.enum(['stdout', 'stderr']).optional(),
      port: z.int().min(1).max(65_535).optional(),
      silence_seconds: z.number().positive().max(3600).optional(),
    }),
  ])
  .optional()
  .describe('"exit" (default) or {output: "regex", port: 3000, silence_seconds: 5}: the first that holds. An exit always ends the wait.');

/** Text forms: `exit`, `port:3000`, `silence:5`, `output:REGEX`, `/REGEX/`. */
export const parseUntil = (value: z.output<typeof untilSchema>): Until => {
  if (value === undefined || value === 'exit') return { exit: true };
  if (typeof value !== 'string')
    return { exit: true, output: value.output, stream: value.stream, port: value.port, silenceSeconds: value.silence_seconds };
  const port = /^port:(\d{1,5})$/.exec(value)?.[1];
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return { exit: true, port: Number(port) };
  const silence = /^silence(?::(\d+(?:\.\d+)?))?$/.exec(value);
  if (silence !== null && Number(silence[1] ?? 2) > 0) return { exit: true, silenceSeconds: Number(silence[1] ?? 2) };
  const output = /^(?:output|regex):([\s\S]+)$/.exec(value)?.[1] ?? /^\/([\s\S]+)\/$/.exec(value)?.[1];
  if (output !== undefined) return { exit: true, output };
  throw new CorralError('invalid_input', `until: ${JSON.stringify(value.slice(0, 100))} is not a condition.`, {
    hint: 'Use "exit", {"output": "regex"}, {"port": 3000} or {"silence_seconds": 5}.',
  });
};
