import { realpathSync } from 'node:fs';
import type { LoadedConfig } from '../../core/config/load.ts';
import type { ConfigKey } from '../../core/config/schema.ts';
import { SECRET_KEYS } from '../../core/config/schema.ts';
import type { Capabilities, DriverProbe } from '../../ports/sandbox.ts';
import { createFlags } from './flags.ts';
import type { Served } from './served.ts';
import { createStyle, printable } from './style.ts';

export interface BannerFacts {
  readonly version: string;
  readonly url: string;
  readonly served: Pick<Served, 'profiles' | 'http'>;
  readonly loaded: LoadedConfig;
  readonly driver: string | undefined;
  readonly probe: DriverProbe | undefined;
  readonly colour: boolean;
}

/** What a client must be told to start the same Corral by itself. */
const stdioEntry = ({ config, sources }: LoadedConfig, profiles: readonly string[]): { command: string; args: string[] } => {
  const skipped: ReadonlySet<ConfigKey> = new Set<ConfigKey>(['workspaces', 'bind', 'allowedHosts', ...SECRET_KEYS]);
  const flags = createFlags()
    .filter(({ key }) => sources[key] === 'flag' && !skipped.has(key))
    .flatMap(({ key, name, kind }) => {
      const value = config[key];
      if (kind === 'boolean') return [value === true ? `--${name}` : `--no-${name}`];
      return Array.isArray(value) ? value.map((one) => `--${name}=${one}`) : [`--${name}=${String(value)}`];
    });
  const folders = profiles.length === 0 ? config.workspaces : config.workspaces.map((folder) => `--workspace=${folder}`);
  const named = profiles.map((name) => `--profile=${name}`);
  return { command: process.execPath, args: [realpathSync(process.argv[1] ?? ''), ...named, ...flags, ...folders] };
};

const clientJson = (server: unknown): string => JSON.stringify({ mcpServers: { corral: server } });

const ISOLATION_WORDS: Readonly<Record<Capabilities['isolation'], string>> = {
  none: 'NO isolation: commands run as this server itself',
  namespace: 'own processes, files and network (namespaces, system call filter)',
  container: 'a container',
  'userspace-kernel': 'a kernel of its own in user space',
  vm: 'a virtual machine',
};

const networkWords = (mode: string): string => (mode === 'none' ? 'no network' : 'the network of this machine');

const sandboxLines = ({ driver = 'none', probe, loaded }: BannerFacts): readonly string[] => {
  if (probe === undefined) return [`${driver}: there is no such driver`];
  if (!probe.available) return [`${driver} does not work here: ${probe.reason}`, `to mend it: ${probe.fix}`];
  const { isolation, support } = probe.capabilities;
  return [
    `${driver}: ${ISOLATION_WORDS[isolation]}; ${networkWords(loaded.config.network)}`,
    `limits of class ${support.class}: \`corral doctor\` says which of them hold and which are watched`,
  ];
};

/** What `corral serve` says once it listens. */
export const serveBanner = (facts: BannerFacts): string => {
  const { version, url, loaded, probe } = facts;
  const { bold, dim, green, red } = createStyle(facts.colour);
  const { config } = loaded;
  const works = probe?.available === true;
  const guarded = (facts.served.http?.token ?? config.authToken) !== undefined;
  const { profiles } = facts.served;
  const [path = '/mcp'] = facts.served.http?.paths ?? [];
  const address = path === '*' ? url : `${url}${path}`;
  const http = { type: 'http', url: address, ...(guarded && { headers: { Authorization: 'Bearer <the token>' } }) };
  const workspaces = config.workspaces.length > 0 ? config.workspaces.map(printable) : ['private: empty at first, gone with its sandbox'];
  const entry = (name: string, lines: readonly string[]): readonly string[] =>
    lines.map((line, index) => `  ${dim((index === 0 ? name : '').padEnd(11))}${line}`);
  return [
    '',
    `  ${bold('Corral')} ${version} ${works ? green('is listening') : red('is listening, but cannot run anything yet')}`,
    '',
    ...entry('MCP', [bold(address)]),
    ...(profiles.length === 0 ? [] : entry('profile', [profiles.join(', ')])),
    ...entry('token', [guarded ? 'required' : 'none: whoever is on this machine may call']),
    ...entry('workspace', workspaces),
    ...entry('sandbox', sandboxLines(facts)),
    ...entry('state', [printable(config.stateDir)]),
    '',
    `  ${dim('For the configuration of an MCP client, over HTTP:')}`,
    `  ${clientJson(http)}`,
    `  ${dim('or started by the client itself:')}`,
    `  ${clientJson(stdioEntry(loaded, profiles))}`,
    '',
    `  ${dim('Ctrl-C stops it and everything that runs in it.')}`,
    '',
    '',
  ].join('\n');
};
