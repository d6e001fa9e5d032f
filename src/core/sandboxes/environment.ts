/** What every execution starts from: nothing of the server's own environment. Unbuffered and unpaged, since nobody sits at a terminal. */
export const baseEnvironment = (options: {
  readonly path: readonly string[];
  readonly home: string;
  readonly user: string;
  readonly sandbox: string;
  readonly extra: Readonly<Record<string, string>>;
}): Record<string, string> => ({
  PATH: options.path.join(':'),
  HOME: options.home,
  USER: options.user,
  LOGNAME: options.user,
  SHELL: '/bin/sh',
  LANG: 'C.UTF-8',
  TMPDIR: '/tmp',
  PAGER: 'cat',
  GIT_PAGER: 'cat',
  GIT_TERMINAL_PROMPT: '0',
  PYTHONUNBUFFERED: '1',
  CORRAL_SANDBOX_ID: options.sandbox,
  ...options.extra,
});

export const SYSTEM_PATH: readonly string[] = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
