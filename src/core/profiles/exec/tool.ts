import * as z from 'zod/v4';
import type { Effect } from '../../effect.ts';
import { defineOperation, type Operation, type OperationContext, type Subject } from '../../operation.ts';
import { SCHEMAS, type ToolName } from './schemas.ts';
import { presentText } from './texts.ts';

interface Tool<S extends z.ZodRawShape> {
  readonly tool: ToolName;
  /** The operation that it is to rules. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly effect: Effect;
  readonly input: S;
  readonly idempotent?: boolean;
  readonly limited?: boolean;
  readonly subject?: (input: z.output<z.ZodObject<S>>) => Subject;
  readonly run: (input: z.output<z.ZodObject<S>>, context: OperationContext) => Promise<string>;
}

const output = z.looseObject({ text: z.string() });

/** A tool of the original: its answer is a text, unknown arguments are passed over. */
export const defineTool = <S extends z.ZodRawShape>(tool: Tool<S>): Operation =>
  defineOperation({
    name: tool.name,
    tool: tool.tool,
    title: tool.title,
    description: tool.description,
    effect: tool.effect,
    hints: {
      destructive: tool.effect !== 'read',
      idempotent: tool.idempotent ?? tool.effect === 'read',
      openWorld: tool.effect === 'execute',
    },
    input: z.looseObject(tool.input),
    output,
    advertised: SCHEMAS[tool.tool],
    ...(tool.subject !== undefined && { subject: (input: unknown) => tool.subject?.(input as z.output<z.ZodObject<S>>) ?? {} }),
    ...(tool.limited !== undefined && { limited: () => tool.limited ?? true }),
    present: presentText,
    run: async (input, context) => ({ text: await tool.run(input as z.output<z.ZodObject<S>>, context) }),
  });
