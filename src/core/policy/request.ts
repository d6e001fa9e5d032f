import { POLICY_LIMITS } from './limits.ts';
import { isWellFormed, utf8Length } from './text.ts';
import type { PolicyRequest } from './types.ts';

/** The operation that runs what a caller wrote. */
export const COMMAND = 'command.execute';

const KEYS = new Set(['caller', 'operation', 'effect', 'argv', 'shell', 'cwd', 'env', 'paths', 'packages', 'sandbox', 'id']);

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Why this is no text that a process can be given; undefined when it is. */
const refuseText = (value: unknown, what: string, bytes: number): string | undefined => {
  if (typeof value !== 'string') return `${what} is no text`;
  if (value.length > bytes || utf8Length(value) > bytes) return `${what} is longer than ${String(bytes)} bytes`;
  if (value.includes('\0')) return `${what} holds NUL`;
  return isWellFormed(value) ? undefined : `${what} holds half a surrogate pair, which cannot be written as UTF-8`;
};

const refuseList = (value: unknown, what: string, count: number, bytes: number): string | undefined => {
  if (!Array.isArray(value)) return `${what} is no array`;
  if (value.length > count) return `${what} has more than ${String(count)} entries`;
  for (let index = 0; index < value.length; index += 1) {
    const reason = refuseText(value[index], `${what}[${String(index)}]`, bytes);
    if (reason !== undefined) return reason;
  }
  return undefined;
};

const refuseArgv = (value: unknown): string | undefined => {
  const reason = refuseList(value, 'argv', POLICY_LIMITS.argumentCount, POLICY_LIMITS.argumentBytes);
  if (reason !== undefined) return reason;
  const argv = value as readonly string[];
  if (argv.length === 0) return 'argv is empty';
  if (argv[0] === '') return 'the name of the program is empty';
  let bytes = 0;
  for (const argument of argv) bytes += utf8Length(argument) + 1;
  return bytes > POLICY_LIMITS.argvBytes ? `argv is longer than ${String(POLICY_LIMITS.argvBytes)} bytes` : undefined;
};

const refuseEnv = (value: unknown): string | undefined => {
  if (!isRecord(value)) return 'env is no map of texts';
  const entries = Object.entries(value);
  if (entries.length > POLICY_LIMITS.envVariables) return `env has more than ${String(POLICY_LIMITS.envVariables)} entries`;
  for (const [name, text] of entries) {
    const reason =
      refuseText(name, 'a name in env', POLICY_LIMITS.argumentBytes) ??
      refuseText(text, `env.${name.slice(0, 64)}`, POLICY_LIMITS.argumentBytes);
    if (reason !== undefined) return reason;
  }
  return undefined;
};

const refuseSandbox = (value: unknown): string | undefined => {
  if (!isRecord(value)) return 'sandbox is no map';
  const wrong = Object.entries(value).find(
    ([key, text]) => !/^(?:driver|network)$/.test(key) || (text !== undefined && typeof text !== 'string'),
  );
  return wrong === undefined ? undefined : `sandbox.${wrong[0].slice(0, 64)} is not understood`;
};

const refuseForms = (request: Record<string, unknown>): string | undefined => {
  const { argv, shell } = request;
  const operation = request['operation'] ?? COMMAND;
  if (operation !== COMMAND) return argv === undefined && shell === undefined ? undefined : `argv and shell belong to ${COMMAND} alone`;
  if (argv !== undefined && shell !== undefined) return 'argv and shell are both given: which one is meant?';
  if (argv === undefined && shell === undefined) return 'neither argv nor shell is given';
  if (argv !== undefined) return refuseArgv(argv);
  if (typeof shell !== 'string') return 'shell is no text';
  return shell.trim() === '' ? 'shell is empty' : undefined;
};

/** A request as it came in, or in one sentence why it is none. What is not known is refused, not ignored. */
export const readRequest = (value: unknown): { readonly request: PolicyRequest } | { readonly reason: string } => {
  if (!isRecord(value)) return { reason: 'the request is no object' };
  for (const key of Object.keys(value)) if (!KEYS.has(key)) return { reason: `the field ${JSON.stringify(key.slice(0, 64))} is not known` };
  const optional = (key: string, check: (found: unknown) => string | undefined): string | undefined =>
    value[key] === undefined ? undefined : check(value[key]);
  const reason =
    refuseForms(value) ??
    optional('caller', (found) => refuseText(found, 'caller', 256)) ??
    optional('operation', (found) => refuseText(found, 'operation', 128)) ??
    optional('effect', (found) =>
      typeof found === 'string' && /^(?:read|write|execute|admin)$/.test(found) ? undefined : 'effect is not known',
    ) ??
    optional('cwd', (found) => refuseText(found, 'cwd', POLICY_LIMITS.pathBytes) ?? (found === '' ? 'cwd is empty' : undefined)) ??
    optional('env', refuseEnv) ??
    optional('paths', (found) => refuseList(found, 'paths', POLICY_LIMITS.paths, POLICY_LIMITS.pathBytes)) ??
    optional('packages', (found) => refuseList(found, 'packages', POLICY_LIMITS.packages, 1024)) ??
    optional('sandbox', refuseSandbox);
  return reason === undefined ? { request: value as PolicyRequest } : { reason };
};

/** Names that change which code runs or what programs are told to do; a sandbox does not hold these back by itself. */
const DANGEROUS =
  /^(?:LD_.*|DYLD_.*|GLIBC_TUNABLES|GCONV_PATH|LOCPATH|NLSPATH|MALLOC_.*|BASH_.*|ENV|IFS|PATH|HOME|SHELL|SHELLOPTS|BASHOPTS|PS[0-4]|PROMPT_COMMAND|CDPATH|GLOBIGNORE|TERMINFO.*|TERMCAP|HOSTALIASES|RESOLV_HOST_CONF|TMPDIR|.*_?OPTIONS|.*OPTS?|.*OPT|PYTHON.*|PERL.*|RUBY.*|NODE_.*|NPM_.*|npm_config_.*|LUA_.*|PHP.*|JAVA_.*|_JAVA_.*|JDK_.*|CLASSPATH|GIT_.*|SSH_.*|.*PAGER|.*EDITOR|VISUAL|BROWSER|LESS.*|MANPAGER|MORE|RIPGREP_CONFIG_PATH|ACKRC|GREP_.*|TAR_OPTIONS|GZIP|XZ_.*|ZSTD_.*|MAKEFLAGS|MFLAGS|MAKEFILES|GNUMAKEFLAGS|CARGO_.*|RUST.*|GO.*|CC|CXX|LD|AR|OPENSSL_.*|SSL_.*|CURL_.*|WGETRC|(?:HTTPS?|FTP|ALL|NO|https?|ftp|all|no)_(?:PROXY|proxy)|DOCKER_.*|KUBECONFIG|CONTAINER_HOST|AWS_.*|DBUS_.*|XDG_.*|DISPLAY|XAUTHORITY|WAYLAND_.*|AWKPATH|AWKLIBPATH|VIMINIT|EXINIT|INPUTRC|POSIXLY_CORRECT|_.*)$/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Why this environment is refused; undefined when it may be given. */
export const refuseEnvironment = (env: Readonly<Record<string, string>> | undefined, host: boolean): string | undefined => {
  const names = Object.keys(env ?? {});
  const [first] = names;
  if (first === undefined) return undefined;
  if (host) return `env ${JSON.stringify(first.slice(0, 64))}: on the host the environment is fixed, and none may be given`;
  for (const name of names) {
    if (!NAME.test(name)) return `env ${JSON.stringify(name.slice(0, 64))} is no name of a variable`;
    if (DANGEROUS.test(name)) return `env ${name}: it changes which code runs`;
  }
  return undefined;
};
