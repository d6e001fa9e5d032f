import * as z from 'zod/v4';
import { DRIVER_NAMES } from '../../ports/sandbox.ts';
import { POLICY_LIMITS } from './limits.ts';
import { isWellFormed } from './text.ts';

const text = z
  .string()
  .min(1)
  .max(1024)
  .refine((value) => !value.includes('\0') && isWellFormed(value), 'is no text');
const list = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(POLICY_LIMITS.names);
/** Bare, exact, byte for byte. */
const programName = text.refine((value) => !/[/\s]/.test(value), 'is the bare name of a program: no slash, no blank');

const matchSchema = z
  .strictObject({
    operation: list(text).optional().describe('Operations by name, such as command.execute; a trailing * stands for any rest.'),
    effect: list(z.enum(['read', 'write', 'execute', 'admin']))
      .optional()
      .describe('What the operation does.'),
    caller: list(text).optional().describe('Callers by id; a trailing * stands for any rest.'),
    driver: list(z.enum(DRIVER_NAMES)).optional().describe('Where it would run.'),
    network: list(z.enum(['none', 'host']))
      .optional()
      .describe('The network of the sandbox.'),
    program: list(programName).optional().describe('Programs by their bare name, compared byte for byte.'),
    class: list(z.enum(['listed', 'wrapper', 'unsafe', 'unknown']))
      .optional()
      .describe('Programs by their class in the table.'),
    argv: list(text).optional().describe('What the arguments begin with, one by one; * stands for any one.'),
    option: list(text)
      .optional()
      .describe('The arguments hold one of these, byte for byte. Good for narrowing; an option has many spellings.'),
    cwd: list(text).optional().describe('The command runs in one of these folders or beneath. Absolute.'),
    paths: list(text)
      .optional()
      .describe('Files that the operation names: allow and ask match when all lie beneath one of these folders, deny when one does.'),
    packages: list(text)
      .optional()
      .describe('Packages as manager:name; a trailing * stands for any rest. Allow and ask match when all do, deny when one does.'),
  })
  .describe('All that is given has to match.');

const capsSchema = z
  .strictObject({
    timeoutSeconds: z
      .number()
      .positive()
      .max(86_400 * 30)
      .optional()
      .describe('Deadline.'),
    memoryBytes: z.int().positive().optional().describe('Memory of all its processes.'),
    processes: z.int().positive().optional().describe('Processes and threads at once.'),
    outputBytes: z.int().positive().optional().describe('Output that is kept.'),
    network: z.enum(['none', 'host']).optional().describe('The most network it gets.'),
  })
  .describe('The most that the decision grants. Of several rules the smaller value holds.');

const ruleSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'is lower case letters, digits, dot, dash and underscore')
    .refine(
      (id) => !['default', 'invalid', 'grammar', 'internal', 'environment', 'workspace', 'redirection'].includes(id),
      'is a word of the engine',
    )
    .describe('Named in each decision.'),
  match: matchSchema.default({}),
  effect: z.enum(['allow', 'ask', 'deny']),
  reason: text.optional().describe('Told to whoever is refused, and to whoever approves.'),
  caps: capsSchema.optional(),
  unsafe: z
    .union([z.literal(true), list(programName)])
    .optional()
    .describe(
      'Programs of the class "unsafe" that this rule lets through with whatever arguments; true = all of its programs. They can run any code.',
    ),
  redirects: z
    .enum(['none', 'read', 'workspace'])
    .default('none')
    .describe('Files that shell text may redirect from (read) and to (workspace), beneath the workspaces, never hidden ones.'),
  shell: z
    .enum(['parsed', 'real'])
    .default('parsed')
    .describe(
      'parsed = text is read, and executed without a shell. real = text goes unread to a shell: only in a sandbox, where the sandbox is what holds.',
    ),
});

const exampleSchema = z.union([
  text.describe('Shell text.'),
  list(z.string()).describe('argv.'),
  z.strictObject({
    shell: z.string().optional(),
    argv: z.array(z.string()).optional(),
    operation: text.optional(),
    effect: z.enum(['read', 'write', 'execute', 'admin']).optional(),
    caller: text.optional(),
    cwd: text.optional(),
    env: z.record(z.string(), z.string()).optional(),
    paths: z.array(text).optional(),
    packages: z.array(text).optional(),
    sandbox: z.strictObject({ driver: z.enum(DRIVER_NAMES).optional(), network: z.enum(['none', 'host']).optional() }).optional(),
  }),
]);

const examples = z.array(exampleSchema).max(POLICY_LIMITS.rules).default([]);

/** The rules file. What is not described here is refused. */
export const rulesSchema = z.strictObject({
  version: z.literal(1).default(1),
  default: z.enum(['deny', 'ask']).default('deny').describe('What holds where no rule matches.'),
  rules: z
    .array(ruleSchema)
    .max(POLICY_LIMITS.rules)
    .describe('In order: the first that matches decides. In a pipeline each program is decided, and the strictest verdict holds.'),
  programs: z
    .record(
      programName,
      z.strictObject({
        options: z
          .array(
            z
              .string()
              .regex(/^-[A-Za-z0-9?][:?]?$|^--[a-z0-9][a-z0-9-]*(?:=\??)?$/, 'is written -v, -o:, -o?, --name, --name= or --name=?'),
          )
          .default([]),
        operands: z
          .enum(['none', 'text', 'look', 'read'])
          .default('none')
          .describe('text = data, look = a path that is only looked at, read = a file beneath the workspaces.'),
      }),
    )
    .default({})
    .describe('Option lists for your own programs. A program without one is taken as argv only, with any arguments.'),
  examples: z
    .strictObject({ allow: examples, ask: examples, deny: examples })
    .default({ allow: [], ask: [], deny: [] })
    .describe('Run at every start: an example that is decided differently stops the start.'),
});

export type RulesInput = z.input<typeof rulesSchema>;
export type Rules = z.output<typeof rulesSchema>;
export type Rule = Rules['rules'][number];
export type Match = Rule['match'];
export type Example = z.output<typeof exampleSchema>;

/** The rules that a list of names stands for: these programs, in every way that their option lists know, and nothing else. */
export const allowList = (names: readonly string[], unsafe: readonly string[] = []): Rules => ({
  version: 1,
  default: 'deny',
  rules: [
    {
      id: 'allow-list',
      match: { program: [...names, ...unsafe.filter((name) => !names.includes(name))] },
      effect: 'allow',
      redirects: 'none',
      shell: 'parsed',
      ...(unsafe.length > 0 && { unsafe: [...unsafe] }),
    },
  ],
  programs: {},
  examples: { allow: [], ask: [], deny: [] },
});

/** What holds in a sandbox when the operator wrote no rules: the sandbox decides, and text goes to a shell inside it. */
export const sandboxRules = (): Rules => ({
  version: 1,
  default: 'deny',
  rules: [{ id: 'sandbox', match: {}, effect: 'allow', redirects: 'workspace', shell: 'real', unsafe: true }],
  programs: {},
  examples: { allow: [], ask: [], deny: [] },
});
