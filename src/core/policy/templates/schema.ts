import * as z from 'zod/v4';
import { DRIVER_NAMES } from '../../../ports/sandbox.ts';

const text = z.string().max(65_536);
const description = z.string().max(1024).optional().describe('What it is, for whoever fills it in.');
const lengths = {
  minLength: z.int().min(0).max(65_536).optional().describe('Shortest value; 1 unless given.'),
  maxLength: z.int().min(1).max(65_536).optional().describe('Longest value in characters.'),
};

const scalars = [
  z.strictObject({
    type: z.literal('string'),
    description,
    default: text.optional(),
    ...lengths,
    pattern: z
      .string()
      .max(512)
      .optional()
      .describe(
        'The whole value has to match. Only what can be matched in linear time: no groups that repeat repetitions, no look-around.',
      ),
    multiline: z.boolean().default(false).describe('Newlines and tabs may stand in it.'),
  }),
  z.strictObject({
    type: z.literal('integer'),
    description,
    default: z.int().optional(),
    min: z.int().optional().describe('0 unless given.'),
    max: z.int().optional(),
  }),
  z.strictObject({
    type: z.literal('enum'),
    description,
    default: text.optional(),
    values: z.array(z.string().min(1).max(1024)).min(1).max(256),
  }),
  z
    .strictObject({ type: z.literal('path'), description, default: text.optional() })
    .describe('A path beneath the workspaces; the place it leads to is what the program gets.'),
  z
    .strictObject({ type: z.literal('relpath'), description, default: text.optional() })
    .describe('The same, relative, and given relative to the folder of the command.'),
  z
    .strictObject({ type: z.literal('regex'), description, default: text.optional(), ...lengths })
    .describe('A pattern for the program; nothing in it is interpreted here.'),
] as const;

const scalar = z.discriminatedUnion('type', scalars);

const parameterSchema = z.discriminatedUnion('type', [
  ...scalars,
  z.strictObject({
    type: z.literal('flag'),
    description,
    default: z.boolean().optional(),
    value: z.string().min(1).max(256).describe('The argument when it is set; none when it is not.'),
  }),
  z
    .strictObject({
      type: z.literal('list'),
      description,
      items: scalar,
      minItems: z.int().min(0).default(1),
      maxItems: z.int().min(1).max(256).default(64),
    })
    .describe('Several arguments.'),
]);

/** A named command with typed places. */
export const templateSchema = z.strictObject({
  description: z.string().max(2048).optional(),
  argv: z.array(text).min(1).max(256).describe('Arguments; {name} stands for a parameter, {{ and }} for braces.'),
  params: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'is no name of a parameter'), parameterSchema).default({}),
  cwd: z.string().min(1).max(4096).optional(),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), text).optional(),
  stdin: text.optional(),
  timeoutSeconds: z.number().positive().optional(),
  driver: z.enum(DRIVER_NAMES).optional(),
  network: z.enum(['none', 'host']).optional(),
  output: z
    .strictObject({
      stream: z.enum(['stdout', 'stderr', 'both']).default('stdout').describe('What is shown.'),
      grep: z.string().min(1).max(512).optional().describe('Only the lines that match.'),
      tail: z.int().min(1).max(10_000).optional().describe('Only so many of the last lines.'),
    })
    .optional()
    .describe('What of the output is shown; all of it is kept.'),
});

export type TemplateInput = z.input<typeof templateSchema>;
export type TemplateSpec = z.output<typeof templateSchema>;
export type Parameter = TemplateSpec['params'][string];
export type ScalarParameter = z.output<typeof scalar>;
