import { mistake } from './texts.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** ALLOW_COMMANDS and ALLOWED_COMMANDS together, read anew for each call. Names count as they are written; none = nothing may run. */
export const allowedCommands = (env: Environment): readonly string[] => [
  ...new Set(
    [env['ALLOW_COMMANDS'], env['ALLOWED_COMMANDS']]
      .flatMap((list) => (list ?? '').split(','))
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  ),
];

/** Throws unless every one of these programs is on the list. */
export const checkAllowed = (programs: readonly string[], env: Environment): void => {
  const allowed = new Set(allowedCommands(env));
  if (allowed.size === 0) throw mistake('No commands are allowed. Please set ALLOW_COMMANDS environment variable.');
  for (const program of programs) if (!allowed.has(program)) throw mistake(`Command not allowed: ${program}`);
};

/** Variables by which a caller would decide what an allowed program loads or runs in its place. */
const TAKES_OVER =
  /^(LD_|DYLD_|GCONV_PATH$|BASH_ENV$|ENV$|BASH_FUNC_|PROMPT_COMMAND$|PERL5?(OPT|LIB|DB)$|PYTHON(STARTUP|HOME|PATH|INSPECT|BREAKPOINT)$|RUBY(OPT|LIB)$|NODE_OPTIONS$|JAVA_TOOL_OPTIONS$|_JAVA_OPTIONS$|GIT_(SSH|SSH_COMMAND|EXEC_PATH|PAGER|EDITOR|ASKPASS|EXTERNAL_DIFF|CONFIG.*|PROXY_COMMAND|TEMPLATE_DIR)$|PAGER$|EDITOR$|VISUAL$|LESSOPEN$|LESSCLOSE$|MANPAGER$|SSH_ASKPASS$|CORRAL_)/;

/** Throws for a variable with which the list could be got around. PATH is harmless: allowed programs are found before it holds. */
export const checkVariables = (variables: Readonly<Record<string, string>>): void => {
  for (const name of Object.keys(variables)) {
    if (name === '' || /[=\0]/.test(name) || (variables[name] ?? '').includes('\0'))
      throw mistake(`Invalid environment variable: ${JSON.stringify(name)}`);
    if (TAKES_OVER.test(name)) throw mistake(`Environment variable not allowed: ${name}`);
  }
};
