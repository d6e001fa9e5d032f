import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import * as z from 'zod/v4';

/** zod writes the range of safe integers and the type of record keys into every schema: true of all JSON, so only weight. */
const leaveOutTheObvious = ({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void => {
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  const names = jsonSchema.propertyNames;
  if (typeof names === 'object' && Object.keys(names).length === 1 && names.type === 'string') delete jsonSchema.propertyNames;
};

/**
 * JSON Schema 2020-12 (the protocol's default, so `$schema` is left out). Always the `input` view: arguments arrive before defaults are
 * filled in, and results leave as the operation returned them.
 */
export const toolJsonSchema = (schema: z.ZodObject): Record<string, unknown> => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input', override: leaveOutTheObvious });
  return json;
};

/**
 * The converted schema as the SDK wants it: it only reads the JSON. It validates nothing, since the one door (`invoke`) does, with
 * answers that a model can act on.
 */
export const advertised = (json: Record<string, unknown>): StandardSchemaWithJSON => ({
  '~standard': {
    version: 1,
    vendor: 'corral',
    validate: (value) => ({ value }),
    jsonSchema: { input: () => json, output: () => json },
  },
});
