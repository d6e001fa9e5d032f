import type { StandardSchemaWithJSON, ToolAnnotations } from '@modelcontextprotocol/server';
import type { Operation } from '../../core/operation.ts';
import { advertised, outputJsonSchema, toolJsonSchema } from './tool-schema.ts';

/** What a model reads of one tool. */
export interface ToolListing {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** Absent where clients get text alone. */
  readonly outputSchema?: Record<string, unknown>;
  readonly annotations: ToolAnnotations;
}

/** An operation made ready once, so that a server instance costs nothing but its registration. */
export interface PreparedTool {
  readonly operation: Operation;
  readonly listing: ToolListing;
  readonly input: StandardSchemaWithJSON;
  readonly output: StandardSchemaWithJSON | undefined;
}

/** All four said outright: the protocol's defaults for the missing ones are the alarming ones. */
const annotationsOf = ({ effect, hints }: Operation): ToolAnnotations => ({
  readOnlyHint: effect === 'read',
  destructiveHint: hints.destructive,
  idempotentHint: hints.idempotent,
  openWorldHint: hints.openWorld,
});

const prepare = (operation: Operation): PreparedTool => {
  const inputSchema = operation.advertised ?? toolJsonSchema(operation.input);
  const outputSchema = operation.present === undefined ? outputJsonSchema(operation.output) : undefined;
  return {
    operation,
    listing: {
      name: operation.tool,
      title: operation.title,
      description: operation.description,
      inputSchema,
      ...(outputSchema !== undefined && { outputSchema }),
      annotations: annotationsOf(operation),
    },
    input: advertised(inputSchema),
    output: outputSchema === undefined ? undefined : advertised(outputSchema),
  };
};

/** In the order of the catalogue, which is the order of tools/list. Two operations with one tool name are a defect of the catalogue. */
export const prepareTools = (operations: readonly Operation[]): readonly PreparedTool[] => {
  const names = new Set<string>();
  for (const { tool, name } of operations) {
    if (names.has(tool)) throw new Error(`Two operations are called "${tool}" as a tool; the second is ${name}.`);
    names.add(tool);
  }
  return operations.filter(({ unlisted }) => unlisted !== true).map(prepare);
};

/** Bytes of the `tools` array of tools/list: what every conversation pays before the first word. */
export const toolListBytes = (operations: readonly Operation[]): number =>
  Buffer.byteLength(JSON.stringify(prepareTools(operations).map(({ listing }) => listing)));
