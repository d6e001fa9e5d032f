import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { CorralError } from '../../ports/errors.ts';
import type { Template } from '../policy/templates.ts';
import { type Config, type ConfigKey, configSchema, variableOf } from './schema.ts';

export type ConfigSource = 'flag' | 'profile' | 'environment' | 'file' | 'default';

export interface LoadedConfig {
  readonly config: Config;
  readonly sources: Readonly<Record<string, ConfigSource>>;
  readonly file: string | undefined;
  /** Read from the file that `templates` names; empty where it names none. */
  readonly templates: readonly Template[];
}

export interface ConfigInput {
  /** Values given as flags, by option name; undefined = not given. */
  readonly flags: Readonly<Partial<Record<ConfigKey, unknown>>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Path of the configuration file (YAML or JSON); undefined = `<config home>/corral/config.yaml` when it exists. */
  readonly file?: string | undefined;
  /** What a profile says: `over` file and environment, `under` both in the place of the defaults. */
  readonly profile?: { readonly over: ConfigInput['flags']; readonly under: ConfigInput['flags'] } | undefined;
}

const KEYS = Object.keys(configSchema.shape) as ConfigKey[];

/** Text of a flag or variable as the type its option has. What does not parse stays text, and the schema says what is wrong with it. */
const fromText = (key: ConfigKey, text: string): unknown => {
  const sample = configSchema.shape[key];
  const probe = (value: unknown): boolean => sample.safeParse(value).success;
  if (probe(text)) return text;
  if (probe([text]))
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  if (/^(true|1|yes|on)$/i.test(text) && probe(true)) return true;
  if (/^(false|0|no|off)$/i.test(text) && probe(false)) return false;
  if (/^-?\d+(\.\d+)?$/.test(text) && probe(Number(text))) return Number(text);
  return text;
};

const readFile = async (path: string, required: boolean): Promise<Record<string, unknown> | undefined> => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CorralError('invalid_input', `The configuration file ${path} cannot be read: ${(error as Error).message}`, {
      hint: 'Check the path given with --config.',
    });
  }
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new CorralError('invalid_input', `The configuration file ${path} is not YAML: ${(error as Error).message}`);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new CorralError('invalid_input', `The configuration file ${path} must hold a map of options.`);
  return value as Record<string, unknown>;
};

const defaultStateDir = (env: ConfigInput['env']): string => {
  const home = env['XDG_STATE_HOME'];
  return join(home !== undefined && isAbsolute(home) ? home : join(homedir(), '.local', 'state'), 'corral');
};

const readTemplates = async ({ templates, workspaces }: Config): Promise<readonly Template[]> => {
  if (templates === undefined) return [];
  const { readTemplatesFile } = await import('../templates/load.ts');
  return readTemplatesFile(templates, workspaces);
};

/** Flags > profile > environment > file > what a profile takes for granted > defaults. Unknown options in the file are errors; unknown CORRAL_ variables are left alone. */
export const loadConfig = async (input: ConfigInput): Promise<LoadedConfig> => {
  const configHome = input.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
  const path = input.file ?? input.env['CORRAL_CONFIG'];
  const file = path === undefined ? join(configHome, 'corral', 'config.yaml') : resolve(input.cwd, path);
  const fromFile = await readFile(file, path !== undefined);

  const { over = {}, under = {} } = input.profile ?? {};
  const values: Record<string, unknown> = { stateDir: defaultStateDir(input.env), ...under, ...fromFile };
  const sources: Record<string, ConfigSource> = {};
  for (const key of KEYS)
    sources[key] = fromFile !== undefined && key in fromFile ? 'file' : under[key] === undefined ? 'default' : 'profile';
  for (const key of KEYS) {
    const text = input.env[variableOf(key)];
    if (text !== undefined && text !== '') {
      values[key] = fromText(key, text);
      sources[key] = 'environment';
    }
    if (over[key] !== undefined) {
      values[key] = over[key];
      sources[key] = 'profile';
    }
    const flag = input.flags[key];
    if (flag !== undefined) {
      values[key] = typeof flag === 'string' ? fromText(key, flag) : flag;
      sources[key] = 'flag';
    }
  }

  const parsed = configSchema.safeParse(values);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const key = String(issue.path[0] ?? '');
      const where = key === '' ? 'configuration' : `${key} (from ${sources[key] ?? 'file'})`;
      return `${where}: ${issue.message}`;
    });
    throw new CorralError('invalid_input', `The configuration is wrong: ${lines.join('; ')}`, {
      hint: '`corral config show` prints every option, its value and where it came from.',
    });
  }
  const config: Config = {
    ...parsed.data,
    stateDir: resolve(input.cwd, parsed.data.stateDir),
    workspaces: parsed.data.workspaces.map((folder) => resolve(input.cwd, folder)),
    ...(parsed.data.rules !== undefined && { rules: resolve(input.cwd, parsed.data.rules) }),
    ...(parsed.data.templates !== undefined && { templates: resolve(input.cwd, parsed.data.templates) }),
  };
  return { config, sources, file: fromFile === undefined ? undefined : file, templates: await readTemplates(config) };
};
