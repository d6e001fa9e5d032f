import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import * as z from 'zod/v4';

/** Bounds are enforced at the door, with a message of their own: only weight for a model that chooses arguments. */
const WEIGHT = ['minLength', 'maxLength', 'minItems', 'maxItems', 'pattern', 'minimum', 'maximum', 'exclusiveMinimum'] as const;

/** Every byte of the list is paid for in each conversation: what is true of all JSON, or says nothing to a model, is left out. */
const leaveOutTheObvious = ({ jsonSchema, path }: { jsonSchema: z.core.JSONSchema.BaseSchema; path: readonly unknown[] }): void => {
  for (const key of WEIGHT) delete jsonSchema[key];
  const names = jsonSchema.propertyNames;
  if (typeof names === 'object' && names.enum === undefined) delete jsonSchema.propertyNames;
  if (jsonSchema.description === '') delete jsonSchema.description;
  const more = jsonSchema.additionalProperties;
  if (typeof more === 'object' && Object.keys(more).length === 0) delete jsonSchema.additionalProperties;
  // Said of the arguments as a whole; the door refuses what is unknown further in all the same, by its name.
  if (more === false && path.length > 0) delete jsonSchema.additionalProperties;
  // Names of old are still taken from those who know them.
  for (const [name, property] of Object.entries(jsonSchema.properties ?? {}))
    if (typeof property === 'object' && property.deprecated === true) delete jsonSchema.properties?.[name];
  if (jsonSchema.properties !== undefined && Object.keys(jsonSchema.properties).length === 0) delete jsonSchema.properties;
};

/**
 * JSON Schema 2020-12 (the protocol's default, so `$schema` is left out). Always the `input` view: arguments arrive before defaults are
 * filled in, and results leave as the operation returned them.
 */
export const toolJsonSchema = (schema: z.ZodObject): Record<string, unknown> => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input', override: leaveOutTheObvious });
  return json;
};

/** Of a result, what every one of them has: clients hold answers against it, models do not read it, and the reference describes the rest. */
export const outputJsonSchema = (schema: z.ZodObject): Record<string, unknown> => {
  const { type, required } = toolJsonSchema(schema);
  return { type, ...(required !== undefined && { required }) };
};

/**
 * The converted schema as the SDK wants it: it only reads the JSON. It validates nothing, since the one door (`invoke`) does, with
 * answers that a model can act on.
 */
export const advertised = (json: Readonly<Record<string, unknown>>): StandardSchemaWithJSON => ({
  '~standard': {
    version: 1,
    vendor: 'corral',
    validate: (value) => ({ value }),
    jsonSchema: { input: () => json, output: () => json },
  },
});
