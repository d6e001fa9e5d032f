import * as z from 'zod/v4';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** A limit that is left out does not hold; one of nothing is a mistake: a server that may do nothing would be the result. */
const NO_LIMIT = 'must be more than 0; leave the option out to have no such limit';
const limitNumber = () => z.number({ error: NO_LIMIT }).positive(NO_LIMIT).max(1_000_000, 'must be at most 1000000');
const limitCount = (most: number) =>
  z
    .int({ error: `must be a whole number and ${NO_LIMIT.slice(5)}` })
    .min(1, NO_LIMIT)
    .max(most, `must be at most ${most}`);

/**
 * Every option of Corral, once: flags, environment variables, the configuration file and `corral config show` are projections of it.
 * The flag of `stateDir` is `--state-dir`, its variable `CORRAL_STATE_DIR`.
 */
export const configSchema = z
  .strictObject({
    workspaces: z.array(z.string().min(1)).default([]).describe('Folders mounted writable at their own path; none = a private one.'),
    stateDir: z.string().min(1).describe('Holds everything Corral keeps: records, logs, sockets. Mode 0700.'),
    driver: z
      .enum(['auto', 'bubblewrap', 'host'])
      .default('auto')
      .describe('Where commands run. auto = the strongest that is proven to work here; it never falls back to host.'),
    rules: z
      .string()
      .min(1)
      .optional()
      .describe('Rules file (YAML or JSON) that decides what may run; without one everything may, and the sandbox is the boundary.'),
    templates: z.string().min(1).optional().describe('File (YAML or JSON) of named commands with typed parameters; each becomes a tool.'),
    network: z
      .enum(['none', 'host'])
      .default('none')
      .describe('none = only the loopback inside. host = the network of this machine, loopback services included: unsafe.'),
    allowHostNetwork: z.boolean().default(false).describe('Lets an agent create sandboxes with network "host": unsafe.'),
    toolchains: z
      .enum(['auto', 'none'])
      .default('auto')
      .describe('auto = compilers and interpreters outside /usr that are on PATH are mounted read-only.'),
    memoryBytes: z.int().min(0).default(0).describe('Memory of all processes of a sandbox together; 0 = no limit.'),
    processes: z.int().min(8).default(1024).describe('Processes and threads a sandbox may have at once.'),
    fileBytes: z.int().min(0).default(0).describe('Largest file a process may write; 0 = no limit.'),
    openFiles: z.int().min(16).default(4096).describe('Open files per process.'),
    cpuSeconds: z.int().min(0).default(0).describe('CPU time of one execution, all its processes together; 0 = no limit.'),
    cpus: z
      .number()
      .min(0)
      .max(4096)
      .default(0)
      .describe("CPUs' worth of time a sandbox gets, such as 0.5; needs a control group. 0 = no limit."),
    diskBytes: z.int().min(0).default(0).describe('What the writable folders of a sandbox may hold together; watched. 0 = no limit.'),
    requireLimits: z.boolean().default(false).describe('Refuse to start where a limit that is set can only be watched, or not even that.'),
    maxWaitSeconds: z
      .number()
      .min(1)
      .max(3600)
      .default(50)
      .describe('Longest wait_seconds of a call. Clients cut calls: more only where they are known to wait.'),
    waitSeconds: z
      .number()
      .min(0)
      .max(3600)
      .default(30)
      .describe('How long a call waits for its program before it answers with a handle; never more than maxWaitSeconds.'),
    timeoutSeconds: z.number().min(0).default(0).describe('Deadline of an execution that names none; 0 = none.'),
    graceSeconds: z.number().min(0).max(60).default(2).describe('Between SIGTERM and SIGKILL.'),
    outputBytes: z
      .int()
      .min(4096)
      .default(2 * GIB)
      .describe('Output kept of one execution; more ends it as output_limit.'),
    trackChanges: z.boolean().default(true).describe('Receipts say which files of the workspaces an execution changed.'),
    logQuotaBytes: z
      .int()
      .min(MIB)
      .default(10 * GIB)
      .describe('Output kept of all executions; the oldest finished ones go first.'),
    sandboxLogBytes: z
      .int()
      .min(0)
      .default(0)
      .describe('Output kept of the executions of one sandbox; the oldest finished ones go first; 0 = no such limit.'),
    retentionSeconds: z
      .int()
      .min(60)
      .default(7 * 86_400)
      .describe('How long finished executions are kept.'),
    answerBytes: z.int().min(1024).max(MIB).default(32_768).describe('Output shown in one answer; the rest is read with read_output.'),
    summaries: z
      .enum(['auto', 'off'])
      .default('auto')
      .describe('auto = answers about long output of known tools (test runners, compilers, package managers) begin with what failed.'),
    leaseSeconds: z.int().min(5).default(600).describe('A sandbox that no server speaks to for this long ends itself.'),
    idleSeconds: z
      .int()
      .min(0)
      .default(0)
      .describe('A sandbox in which nothing runs for this long ends, and is made anew when it is wanted; 0 = no such end.'),
    lifetimeSeconds: z.int().min(0).default(0).describe('A sandbox ends after this, whatever happens; 0 = no such end.'),
    keep: z.boolean().default(false).describe('Leave sandboxes running when the server ends, until their lease does.'),
    maxSandboxes: z.int().min(1).max(1000).default(32).describe('Sandboxes alive at once.'),
    maxExecutions: z.int().min(1).max(4096).default(256).describe('Executions running at once.'),
    uidFirst: z.int().min(1).max(4_000_000_000).default(1_900_000_000).describe('First private uid, used when the server runs as root.'),
    uidCount: z.int().min(1).max(1_000_000).default(65_536).describe('How many private uids there are.'),
    unsafeRoot: z.boolean().default(false).describe('Run sandboxes as the real root instead of a private uid: unsafe.'),
    bwrapPath: z
      .string()
      .startsWith('/')
      .default('/usr/bin/bwrap')
      .describe("The bubblewrap program. The distribution's own is the one its security profiles know."),
    bind: z.string().default('127.0.0.1:3344').describe('Address and port of the HTTP server.'),
    authToken: z.string().min(16).optional().describe('Bearer token of the HTTP server; required for any bind but loopback.'),
    allowedHosts: z
      .array(z.string().min(1))
      .default([])
      .describe('Host names under which the HTTP server may be called, beside its bind address.'),
    auditKeyFile: z
      .string()
      .min(1)
      .optional()
      .describe('Key of the audit log, one line of 32 to 4096 signs, mode 0600. Default: one made in the state folder.'),
    auditRequired: z.boolean().default(false).describe('Refuse to run or change anything that cannot be recorded in the audit log.'),
    auditRetentionSeconds: z
      .int()
      .min(3600)
      .default(90 * 86_400)
      .describe('How long the audit log is kept.'),
    auditBytes: z
      .int()
      .min(MIB)
      .default(256 * MIB)
      .describe('Size of the whole audit log; the oldest segments go first.'),
    rateLimitRps: limitNumber()
      .optional()
      .describe('Calls that run or change something which one caller may begin in a second, in the long run; absent = no limit.'),
    rateLimitBurst: limitCount(1_000_000).optional().describe("How many of them at once; default: a second's worth."),
    rateLimitTotalRps: limitNumber().optional().describe('The same for all callers together; absent = no limit.'),
    rateLimitTotalBurst: limitCount(1_000_000).optional().describe("How many of them at once; default: a second's worth."),
    maxConcurrent: limitCount(10_000)
      .optional()
      .describe('Such calls at work at once; the others wait in a fair queue. Absent = no limit.'),
    maxQueue: limitCount(10_000).default(64).describe('Calls that may wait for a turn; more are refused.'),
    breakerThreshold: limitCount(1_000_000)
      .optional()
      .describe('Failures of Corral itself, one after the other, after which it pauses; absent = it never does.'),
    breakerSeconds: limitNumber().default(30).describe('How long that pause is, before one call is let through to try.'),
    approvalWaitSeconds: z
      .number()
      .min(0)
      .max(45)
      .default(20)
      .describe('How long a call that the rules ask about waits for an answer before it is refused for now.'),
    approvalPendingSeconds: z
      .int()
      .min(10)
      .max(86_400)
      .default(600)
      .describe('How long such a question can be answered; then the call has to be made again.'),
    approvalGrantSeconds: z
      .int()
      .min(10)
      .max(86_400)
      .default(3600)
      .describe('How long a grant holds that was not used, or that covers several calls.'),
    approvalByClient: z
      .boolean()
      .default(true)
      .describe('Let MCP clients put the question to their user. false = only `corral approvals` answers it.'),
    logLevel: z.enum(['error', 'warn', 'info', 'debug', 'silent']).default('warn').describe('What goes to stderr, as JSON lines.'),
  })
  .superRefine((config, context) => {
    // What has no effect was meant to have one.
    const needs = [
      ['rateLimitBurst', 'rateLimitRps'],
      ['rateLimitTotalBurst', 'rateLimitTotalRps'],
    ] as const;
    for (const [key, other] of needs)
      if (config[key] !== undefined && config[other] === undefined)
        context.addIssue({ code: 'custom', path: [key], message: `has no effect without ${other}: set both, or neither` });
  });

export type Config = z.output<typeof configSchema>;
export type ConfigKey = keyof Config;

/** The options an outsider must not read: shown as "(set)". */
export const SECRET_KEYS: ReadonlySet<ConfigKey> = new Set<ConfigKey>(['authToken']);

/** `stateDir` -> `state-dir` */
export const flagOf = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `stateDir` -> `CORRAL_STATE_DIR` */
export const variableOf = (key: string): string => `CORRAL_${flagOf(key).replaceAll('-', '_').toUpperCase()}`;
