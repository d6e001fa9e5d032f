import type { ConfigKey } from '../../core/config/schema.ts';
import { configSchema, flagOf } from '../../core/config/schema.ts';

export type FlagKind = 'boolean' | 'text' | 'list';

/** One option of the configuration, as the command line shows it. */
export interface Flag {
  readonly key: ConfigKey;
  /** Without the dashes. A list is given one by one, so its name is in the singular: `workspaces` -> `workspace`. */
  readonly name: string;
  readonly kind: FlagKind;
  /** What stands after the name in help. */
  readonly value: string;
  readonly description: string;
  /** As text; undefined when there is none. */
  readonly standard: string | undefined;
}

/** Values by option, as `loadConfig` takes them. */
export type FlagValues = Partial<Record<ConfigKey, unknown>>;

interface Shape {
  readonly type?: string;
  readonly enum?: readonly string[];
}

const valueName = (key: string, shape: Shape): string => {
  if (shape.enum !== undefined) return shape.enum.join('|');
  if (shape.type === 'integer' || shape.type === 'number') return 'N';
  if (/Dir$|^workspaces$/.test(key)) return 'DIR';
  if (key.endsWith('Path')) return 'FILE';
  return key === 'bind' ? 'HOST:PORT' : 'TEXT';
};

const describe = (key: ConfigKey): Flag => {
  const schema = configSchema.shape[key];
  const sample = schema.safeParse(undefined);
  const accepts = (value: unknown): boolean => schema.safeParse(value).success;
  const kind: FlagKind = accepts(true) ? 'boolean' : accepts(['x']) ? 'list' : 'text';
  const shape = shapeOf(key);
  const standard = sample.success && sample.data !== undefined && !Array.isArray(sample.data) ? String(sample.data) : undefined;
  return {
    key,
    name: kind === 'list' ? flagOf(key).replace(/s$/, '') : flagOf(key),
    kind,
    value: valueName(key, shape),
    description: schema.description ?? '',
    standard,
  };
};

/** zod keeps what an enum and a number are beneath their default. */
const shapeOf = (key: ConfigKey): Shape => {
  let definition: unknown = configSchema.shape[key].def;
  for (;;) {
    const { type, innerType, entries } = definition as { type: string; innerType?: { def: unknown }; entries?: Record<string, string> };
    if (innerType === undefined) return { type, ...(entries !== undefined && { enum: Object.values(entries) }) };
    definition = innerType.def;
  }
};

/** Every option of the schema, in its order. */
export const createFlags = (): readonly Flag[] => (Object.keys(configSchema.shape) as ConfigKey[]).map(describe);
