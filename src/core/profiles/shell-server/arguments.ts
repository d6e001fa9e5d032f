import type { ProfileInput, ProfilePlan } from '../profile.ts';

/** How it is served, as the original's command line says it. */
export interface ServeArguments {
  readonly transport: 'stdio' | 'http';
  /** HOST:PORT; undefined = nothing was said. */
  readonly bind: string | undefined;
  readonly path: string;
}

const HELP = `Usage: corral --profile shell-server [COMMAND] [options]

Commands:
  stdio                              serve MCP over stdin and stdout (the default)
  http [--host H] [--port P] [--path /mcp]
                                     serve MCP over Streamable HTTP (127.0.0.1:8000)
  sse                                gone: Streamable HTTP has replaced it; use http

Options:
  --version                          print the version
  -h, --help                         print this help

Environment:
  ALLOW_COMMANDS, ALLOWED_COMMANDS   commands that may run, comma separated; empty = none
  PROCESS_RETENTION_SECONDS          how long ended background processes are kept (3600; 0 = until Corral forgets them)
  DEFAULT_ENCODING                   encoding of output and input (that of the locale, else utf-8)

Every option of Corral itself works too: --driver bubblewrap and --workspace DIR isolate the commands.
`;

const STANDARD = { host: '127.0.0.1', port: '8000', path: '/mcp' } as const;

const exit = (code: number, stdout: string, stderr: string): Extract<ProfilePlan, { kind: 'exit' }> => ({
  kind: 'exit',
  code,
  stdout,
  stderr,
});

const wrong = (message: string) => exit(2, '', `${HELP.split('\n', 1)[0] ?? ''}\nerror: ${message}\n`);

const hostPort = (host: string, port: string): string => `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;

/** The original's command line, or what it prints instead of serving. */
export const readArguments = ({ argv, version }: ProfileInput): ServeArguments | Extract<ProfilePlan, { kind: 'exit' }> => {
  if (argv.includes('--help') || argv.includes('-h')) return exit(0, HELP, '');
  if (argv.includes('--version')) return exit(0, `mcp-shell-server ${version}\n`, '');
  const [command = 'stdio', ...rest] = argv;
  if (command !== 'stdio' && command !== 'http' && command !== 'sse')
    return wrong(`invalid choice: '${command}' (choose from stdio, sse, http)`);

  const values: Record<string, string> = {};
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? '';
    const [, name = '', inline] = /^--(host|port|path)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (name === '' || command === 'stdio') return wrong(`unrecognized arguments: ${rest.slice(at).join(' ')}`);
    const value = inline ?? rest[(at += 1)];
    if (value === undefined) return wrong(`argument --${name}: expected one argument`);
    values[name] = value;
  }
  const { host, port, path } = { ...STANDARD, ...values };
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return wrong(`argument --port: invalid port: '${port}'`);
  if (!/^\/[^\s?#]*$/.test(path)) return wrong(`argument --path: must begin with "/": '${path}'`);
  if (command === 'stdio') return { transport: 'stdio', bind: undefined, path };
  const bind = hostPort(host, port);
  if (command === 'sse')
    return exit(
      2,
      '',
      `The sse transport is gone from MCP; Streamable HTTP has replaced it. Start \`http --host ${host} --port ${port}\` instead, and give clients http://${bind}${STANDARD.path}.\n`,
    );
  return { transport: 'http', bind, path };
};
