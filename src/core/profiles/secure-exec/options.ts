/** Binaries that no template may start unless the operator says so. */
export const DANGEROUS =
  'rm,dd,mkfs,chmod,chown,sudo,su,curl,wget,sh,bash,dash,zsh,python,python3,perl,ruby,node,lua,php,awk,sed,gawk,git,ssh,scp,rsync,tar,zip,unzip,gzip,bzip2,' +
  'find,xargs,env,nice,timeout,strace,ltrace,ncat,netcat,nc,telnet,ftp,sftp,rbash,rsh';

export interface OptionSpec {
  /** Long name without dashes. */
  readonly name: string;
  readonly short?: string;
  readonly variable: string;
  /** Absent: it is a switch. */
  readonly value?: string;
  readonly fallback?: string;
  readonly choices?: readonly string[];
  readonly help?: string;
}

/** Every flag with its variable, in the order of the help. */
export const OPTIONS = [
  {
    name: 'cmd',
    short: 'c',
    variable: 'MCP_EXEC_COMMANDS',
    value: 'NAME|"TEMPLATE"',
    help: "Define a command tool (can be repeated; use ';' separator)",
  },
  {
    name: 'blacklist',
    short: 'B',
    variable: 'MCP_EXEC_DANGEROUS',
    value: 'DANGEROUS',
    fallback: DANGEROUS,
    help: 'Comma-separated list of blacklisted binaries.',
  },
  {
    name: 'allow-dangerous',
    short: 'D',
    variable: 'MCP_EXEC_ALLOW_DANGEROUS',
    help: 'Allow execution of blacklisted binaries. USE WITH CAUTION.',
  },
  {
    name: 'no-validate-paths',
    variable: 'MCP_EXEC_NO_VALIDATE_PATHS',
    help: 'Disable path traversal protection for path-like placeholders.',
  },
  { name: 'allow-missing-binaries', variable: 'MCP_EXEC_ALLOW_MISSING_BINARIES', help: 'Allow commands whose binaries are not in PATH.' },
  {
    name: 'base-path',
    variable: 'MCP_EXEC_BASE_PATH',
    value: 'BASE_PATH',
    help: 'Restrict path-like arguments to be within this base directory; commands start there.',
  },
  {
    name: 'sensitive-keys',
    variable: 'MCP_EXEC_SENSITIVE_KEYS',
    value: 'SENSITIVE_KEYS',
    fallback: 'password,token,secret,key,auth,credential',
    help: 'Comma-separated list of argument names to mask in logs.',
  },
  {
    name: 'cmd-timeout',
    variable: 'MCP_EXEC_CMD_TIMEOUT_SECS',
    value: 'CMD_TIMEOUT_SECS',
    fallback: '30',
    help: 'Maximum execution time for commands in seconds.',
  },
  {
    name: 'log-level',
    variable: 'MCP_EXEC_LOG_LEVEL',
    value: 'LOG_LEVEL',
    fallback: 'info',
    choices: ['info', 'debug', 'trace', 'warn', 'error'],
  },
  { name: 'dry-run', short: 'd', variable: 'MCP_EXEC_DRY_RUN' },
  {
    name: 'transport',
    short: 't',
    variable: 'MCP_EXEC_TRANSPORT',
    value: 'TRANSPORT',
    fallback: 'stdio',
    choices: ['stdio', 'streamable-http'],
  },
  { name: 'bind', short: 'b', variable: 'MCP_EXEC_BIND', value: 'BIND', fallback: '127.0.0.1:3344' },
  { name: 'auth-token', variable: 'MCP_EXEC_AUTH_TOKEN', value: 'AUTH_TOKEN', help: 'Optional Bearer token for authentication.' },
  { name: 'stateful', short: 's', variable: 'MCP_EXEC_STATEFUL', help: 'Enable stateful sessions (default: false).' },
  {
    name: 'rate-limit-rps',
    variable: 'MCP_EXEC_RATE_LIMIT_RPS',
    value: 'RATE_LIMIT_RPS',
    fallback: '10',
    help: 'Maximum requests per second (Rate Limiting), of one caller.',
  },
  {
    name: 'rate-limit-burst',
    variable: 'MCP_EXEC_RATE_LIMIT_BURST',
    value: 'RATE_LIMIT_BURST',
    fallback: '20',
    help: 'Burst size for rate limiting, of one caller.',
  },
  {
    name: 'max-concurrent',
    variable: 'MCP_EXEC_MAX_CONCURRENT',
    value: 'MAX_CONCURRENT',
    fallback: '50',
    help: 'Maximum concurrent command executions.',
  },
  {
    name: 'circuit-threshold',
    variable: 'MCP_EXEC_CIRCUIT_THRESHOLD',
    value: 'CIRCUIT_THRESHOLD',
    fallback: '10',
    help: 'Circuit breaker failure threshold.',
  },
  {
    name: 'circuit-timeout',
    variable: 'MCP_EXEC_CIRCUIT_TIMEOUT_SECS',
    value: 'CIRCUIT_TIMEOUT_SECS',
    fallback: '60',
    help: 'Circuit breaker timeout in seconds.',
  },
  {
    name: 'legacy-validators',
    variable: 'MCP_EXEC_LEGACY_VALIDATORS',
    help: 'Also refuse what only a shell, a URL decoder or a reader could misunderstand, as mcp-secure-exec did.',
  },
] as const satisfies readonly OptionSpec[];

export type OptionName = (typeof OPTIONS)[number]['name'];

const isSwitch = (option: OptionSpec): boolean => option.value === undefined;

/** `--bind <BIND>`, as it stands in messages. */
export const shownAs = (option: OptionSpec): string => `--${option.name}${option.value === undefined ? '' : ` <${option.value}>`}`;

const helpOf = (option: OptionSpec): string => {
  const facts = [
    `[env: ${option.variable}=]`,
    ...(option.fallback === undefined ? [] : [`[default: ${option.fallback}]`]),
    ...(option.choices === undefined ? [] : [`[possible values: ${option.choices.join(', ')}]`]),
  ];
  const short = option.short === undefined ? '    ' : `-${option.short}, `;
  return `  ${short}${shownAs(option)}\n          ${[...(option.help === undefined ? [] : [option.help]), ...facts].join(' ')}\n`;
};

export const USAGE = 'Usage: mcp-secure-exec [OPTIONS]';

/** The text of `--help`. */
export const helpText = (): string =>
  `${USAGE}\n\nOptions:\n${OPTIONS.map(helpOf).join('')}  -h, --help\n          Print help\n  -V, --version\n          Print version\n\n` +
  'Options of Corral itself, such as --driver bubblewrap, may be given too: see `corral --help`.\n';

const BY_LONG: ReadonlyMap<string, OptionSpec> = new Map(OPTIONS.map((option) => [option.name, option]));
const BY_SHORT: ReadonlyMap<string, OptionSpec> = new Map(
  OPTIONS.flatMap((option: OptionSpec) => (option.short === undefined ? [] : [[option.short, option] as const])),
);

/** What was given, as text: by flag, or else by variable. An empty variable says nothing. */
export type Given = ReadonlyMap<OptionName, { readonly values: readonly string[]; readonly from: OptionSpec }>;

type Asked = { readonly asked: 'help' | 'version' };
type Mistake = { readonly mistake: string };
export type Read = { readonly given: Given } | Asked | Mistake;

const unexpected = (argument: string): Mistake => ({ mistake: `unexpected argument '${argument}' found\n\n${USAGE}` });

/** Reads flags in their usual forms: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`, `-sd`. */
const readFlags = (argv: readonly string[]): { readonly found: ReadonlyMap<string, readonly string[]> } | Asked | Mistake => {
  const found = new Map<string, string[]>();
  const rest = [...argv];
  const take = (option: OptionSpec, attached: string | undefined): Mistake | undefined => {
    const before = found.get(option.name);
    if (isSwitch(option)) {
      if (attached !== undefined)
        return { mistake: `unexpected value '${attached}' for '--${option.name}' found; no more were expected\n\n${USAGE}` };
      found.set(option.name, ['true']);
      return undefined;
    }
    const value = attached ?? rest.shift();
    if (value === undefined) return { mistake: `a value is required for '${shownAs(option)}' but none was supplied` };
    if (before !== undefined && option.name !== 'cmd')
      return { mistake: `the argument '${shownAs(option)}' cannot be used multiple times\n\n${USAGE}` };
    found.set(option.name, [...(before ?? []), value]);
    return undefined;
  };
  while (rest.length > 0) {
    const argument = rest.shift() ?? '';
    if (argument === '--help' || argument === '--version') return { asked: argument === '--help' ? 'help' : 'version' };
    const long = /^--([^=]+)(?:=(.*))?$/s.exec(argument);
    if (long !== null) {
      const option = BY_LONG.get(long[1] ?? '');
      const wrong = option === undefined ? unexpected(`--${long[1] ?? ''}`) : take(option, long[2]);
      if (wrong !== undefined) return wrong;
      continue;
    }
    if (!/^-[^-]/.test(argument)) return unexpected(argument);
    for (let letters = argument.slice(1); letters !== '';) {
      const letter = letters.charAt(0);
      letters = letters.slice(1);
      if (letter === 'h' || letter === 'V') return { asked: letter === 'h' ? 'help' : 'version' };
      const option = BY_SHORT.get(letter);
      if (option === undefined) return unexpected(`-${letter}`);
      const attached = isSwitch(option) || letters === '' ? undefined : letters.replace(/^=/, '');
      if (attached !== undefined) letters = '';
      const wrong = take(option, attached);
      if (wrong !== undefined) return wrong;
    }
  }
  return { found };
};

/** Flags before variables. What is in neither is left out. */
export const readOptions = (argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Read => {
  const flags = readFlags(argv);
  if (!('found' in flags)) return flags;
  const given = new Map<OptionName, { values: readonly string[]; from: OptionSpec }>();
  for (const option of OPTIONS) {
    const byFlag = flags.found.get(option.name);
    const variable = env[option.variable];
    if (byFlag !== undefined) given.set(option.name, { values: byFlag, from: option });
    else if (variable !== undefined && variable !== '') given.set(option.name, { values: [variable], from: option });
  }
  return { given };
};
