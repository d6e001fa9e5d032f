import { isIP } from 'node:net';
import { type Given, OPTIONS, type OptionName, type OptionSpec, shownAs } from './options.ts';
import { type CommandTemplate, parseTemplate, splitDefinitions } from './template.ts';

/** The profile as the operator wants it. */
export interface Settings {
  /** By name; a later definition of a name replaces the earlier one. */
  readonly templates: readonly CommandTemplate[];
  /** Names that were defined more than once. */
  readonly redefined: readonly string[];
  /** Lower case. */
  readonly blacklist: ReadonlySet<string>;
  readonly allowDangerous: boolean;
  readonly validatePaths: boolean;
  readonly allowMissing: boolean;
  readonly basePath: string | undefined;
  /** Lower case; parts of names. */
  readonly sensitiveKeys: readonly string[];
  readonly timeoutSeconds: number;
  /** Undefined: not given. */
  readonly logLevel: 'info' | 'debug' | 'warn' | 'error' | undefined;
  readonly dryRun: boolean;
  readonly transport: 'stdio' | 'http';
  /** Undefined: not given. */
  readonly bind: string | undefined;
  readonly authToken: string | undefined;
  readonly stateful: boolean;
  readonly rps: number;
  readonly burst: number;
  readonly maxConcurrent: number;
  readonly circuitThreshold: number;
  readonly circuitSeconds: number;
  readonly legacyValidators: boolean;
}

/** A value that is not what its option takes; the text for the operator. */
export class WrongValue extends Error {
  override readonly name = 'WrongValue';

  constructor(option: OptionSpec, value: string, why: string) {
    super(`invalid value '${value}' for '${shownAs(option)}': ${why}`);
  }
}

const SOCKET = /^(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9a-fA-F:.]+)\]):(\d{1,5})$/;

const isSocketAddress = (text: string): boolean => {
  const [, v4, v6, port] = SOCKET.exec(text) ?? [];
  return Number(port) <= 65_535 && ((v4 !== undefined && isIP(v4) === 4) || (v6 !== undefined && isIP(v6) === 6));
};

const LARGEST = 4_294_967_295;

const listOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== '');

/** Reads the values. Throws `WrongValue`. */
export const readSettings = (given: Given): Settings => {
  const optionOf = (name: OptionName): OptionSpec => OPTIONS.find((option) => option.name === name) as OptionSpec;
  const textOf = (name: OptionName): string | undefined => given.get(name)?.values[0] ?? optionOf(name).fallback;
  const wrong = (name: OptionName, value: string, why: string): WrongValue => new WrongValue(optionOf(name), value, why);

  const number = (name: OptionName): number => {
    const text = textOf(name) ?? '';
    if (!/^\+?\d+$/.test(text))
      throw wrong(name, text, text === '' ? 'cannot parse integer from empty string' : 'invalid digit found in string');
    if (Number(text) > LARGEST) throw wrong(name, text, 'number too large to fit in target type');
    return Number(text);
  };
  const isSet = (name: OptionName): boolean => {
    const text = textOf(name) ?? 'false';
    if (text !== 'true' && text !== 'false') throw wrong(name, text, '[possible values: true, false]');
    return text === 'true';
  };
  const choice = (name: OptionName): string => {
    const text = textOf(name) ?? '';
    const { choices = [] } = optionOf(name);
    if (!choices.includes(text)) throw wrong(name, text, `[possible values: ${choices.join(', ')}]`);
    return text;
  };

  const templates = new Map<string, CommandTemplate>();
  const redefined: string[] = [];
  for (const definition of (given.get('cmd')?.values ?? []).flatMap(splitDefinitions)) {
    const parsed = parseTemplate(definition);
    if ('problem' in parsed) throw wrong('cmd', definition, parsed.problem);
    const { template } = parsed;
    if (templates.delete(template.name)) redefined.push(template.name);
    templates.set(template.name, template);
  }

  const bind = textOf('bind') ?? '';
  if (!isSocketAddress(bind)) throw wrong('bind', bind, 'invalid socket address syntax');
  const level = choice('log-level');
  return {
    templates: [...templates.values()],
    redefined,
    blacklist: new Set(listOf(textOf('blacklist') ?? '')),
    allowDangerous: isSet('allow-dangerous'),
    validatePaths: !isSet('no-validate-paths'),
    allowMissing: isSet('allow-missing-binaries'),
    basePath: textOf('base-path'),
    sensitiveKeys: listOf(textOf('sensitive-keys') ?? ''),
    timeoutSeconds: number('cmd-timeout'),
    logLevel: !given.has('log-level') ? undefined : level === 'trace' ? 'debug' : (level as Settings['logLevel']),
    dryRun: isSet('dry-run'),
    transport: choice('transport') === 'stdio' ? 'stdio' : 'http',
    bind: given.has('bind') ? bind : undefined,
    authToken: textOf('auth-token'),
    stateful: isSet('stateful'),
    rps: number('rate-limit-rps'),
    burst: number('rate-limit-burst'),
    maxConcurrent: number('max-concurrent'),
    circuitThreshold: number('circuit-threshold'),
    circuitSeconds: number('circuit-timeout'),
    legacyValidators: isSet('legacy-validators'),
  };
};
