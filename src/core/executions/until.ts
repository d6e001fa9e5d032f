import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';

export type Condition = 'exit' | 'output' | 'screen' | 'port' | 'silence' | 'bytes' | 'needs_input' | 'file';

/** What a wait may end with; several = whichever comes first. An exit always ends it. */
export interface Until {
  readonly output?: string | undefined;
  readonly stream?: 'stdout' | 'stderr' | undefined;
  /** A line of the terminal's screen. */
  readonly screen?: string | undefined;
  readonly port?: number | undefined;
  readonly silenceSeconds?: number | undefined;
  /** Printed, both streams together. */
  readonly bytes?: number | undefined;
  readonly needsInput?: boolean | undefined;
  readonly file?: string | undefined;
}

const conditions = z.strictObject({
  /** Says nothing that does not hold anyway. */
  exit: z.boolean().optional().meta({ deprecated: true }),
  output: z.string().min(1).max(2000).optional(),
  stream: z.enum(['stdout', 'stderr']).optional(),
  screen: z.string().min(1).max(2000).optional(),
  port: z.int().min(1).max(65_535).optional(),
  silence_seconds: z.number().positive().max(3600).optional(),
  bytes: z.int().min(1).optional(),
  file: z.string().min(1).max(4096).optional(),
  needs_input: z.boolean().optional(),
});

export const untilSchema = z.union([z.string().max(4200), conditions]);

/** Where nothing was asked for: whatever an agent has to know of. */
const BY_DEFAULT: Until = { needsInput: true };

const refuse = (value: string): CorralError =>
  new CorralError('invalid_input', `until: ${JSON.stringify(value.slice(0, 100))} is not a condition.`, {
    hint: 'Use "exit", "needs_input", "/regex/", "screen:regex", "port:3000", "silence:5", "bytes:1000", "file:/path", or an object: {"output": "regex"}, {"port": 3000}, {"silence_seconds": 5}.',
  });

/** Each text form as the object it stands for. */
const FORMS: readonly (readonly [form: RegExp, (value: string) => z.input<typeof conditions>])[] = [
  [/^exit$/, () => ({ exit: true })],
  [/^needs_input$/, () => ({ needs_input: true })],
  [/^port:(\d{1,5})$/, (port) => ({ port: Number(port) })],
  [/^silence(?::(\d+(?:\.\d+)?))?$/, (seconds) => ({ silence_seconds: Number(seconds === '' ? 2 : seconds) })],
  [/^bytes:(\d{1,15})$/, (bytes) => ({ bytes: Number(bytes) })],
  [/^file:([\s\S]+)$/, (file) => ({ file })],
  [/^screen:([\s\S]+)$/, (screen) => ({ screen })],
  [/^(?:output|regex):([\s\S]+)$/, (output) => ({ output })],
  [/^\/([\s\S]+)\/$/, (output) => ({ output })],
];

const fromText = (text: string): z.output<typeof conditions> => {
  for (const [form, make] of FORMS) {
    const found = form.exec(text);
    if (found === null) continue;
    const parsed = conditions.safeParse(make(found[1] ?? ''));
    if (parsed.success) return parsed.data;
  }
  throw refuse(text);
};

/** Text forms: `exit`, `needs_input`, `port:3000`, `silence:5`, `bytes:1000`, `file:PATH`, `screen:REGEX`, `output:REGEX`, `/REGEX/`. */
export const parseUntil = (value: z.output<typeof untilSchema> | undefined): Until => {
  if (value === undefined) return BY_DEFAULT;
  const { output, stream, screen, port, silence_seconds, bytes, file, needs_input } = typeof value === 'string' ? fromText(value) : value;
  if (stream !== undefined && output === undefined)
    throw new CorralError('invalid_input', 'until: stream says where output is looked for; give output too.');
  return { output, stream, screen, port, silenceSeconds: silence_seconds, bytes, needsInput: needs_input, file };
};
