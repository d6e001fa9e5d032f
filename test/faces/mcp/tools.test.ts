import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod/v4';
import type { Operation } from '../../../src/core/operation.ts';
import { createMcpServerFactory } from '../../../src/faces/mcp/server-factory.ts';
import { toolJsonSchema } from '../../../src/faces/mcp/tool-schema.ts';
import { prepareTools, toolListBytes } from '../../../src/faces/mcp/tools.ts';
import { fakeOperations, INFO } from './support/fake-operations.ts';

const operations = fakeOperations({ started: 0, aborted: 0, muches: 0, callers: [] });

describe('schemas', () => {
  it('say nothing that is true of all JSON, and everything else', () => {
    const schema = z.object({
      count: z.int(),
      bounded: z.int().min(2).max(5),
      labels: z.record(z.string(), z.string()).optional(),
      filled: z.string().default('x').describe('What for'),
    });
    expect(toolJsonSchema(schema)).toEqual({
      type: 'object',
      required: ['count', 'bounded'],
      properties: {
        count: { type: 'integer' },
        bounded: { type: 'integer' },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        filled: { type: 'string', default: 'x', description: 'What for' },
      },
    });
  });
});

describe('the tool list', () => {
  it('is measured as it goes over the wire', () => {
    const bytes = toolListBytes(operations);
    expect(bytes).toBe(Buffer.byteLength(JSON.stringify(prepareTools(operations).map(({ listing }) => listing))));
    expect(bytes).toBeGreaterThan(operations.length * 200);
    expect(toolListBytes(operations.slice(1))).toBeLessThan(bytes);
  });

  it('has one tool of a name', () => {
    expect(() => prepareTools([...operations, operations[0] as Operation])).toThrow('"echo"');
  });
});

describe('the factory', () => {
  it('converts schemas once, and building a server touches nothing', () => {
    let reads = 0;
    const watched = operations.map((operation) => ({
      ...operation,
      get input() {
        reads += 1;
        return operation.input;
      },
    }));
    const invoke = vi.fn();
    const callerOf = vi.fn();
    const factory = createMcpServerFactory({ operations: watched, invoke, callerOf, info: INFO, instructions: '' });
    expect(reads).toBe(operations.length);
    const started = performance.now();
    for (let turn = 0; turn < 200; turn += 1) factory({ era: 'modern' });
    expect((performance.now() - started) / 200).toBeLessThan(2);
    expect(reads).toBe(operations.length);
    expect(invoke).not.toHaveBeenCalled();
    expect(callerOf).not.toHaveBeenCalled();
  });
});
