import { expect, it } from 'vitest';
import { createCatalogue, INSTRUCTIONS, type CatalogueDeps } from '../../src/core/catalogue.ts';
import { configSchema } from '../../src/core/config/schema.ts';
import { toolListBytes } from '../../src/faces/mcp/tools.ts';
import { late } from '../../src/lib/late.ts';

const closed = <T extends object>(): T =>
  late<T>(() => {
    throw new Error('building the catalogue must not touch a service');
  });

/** The catalogue without a house behind it. */
const catalogue = createCatalogue({
  executions: closed<CatalogueDeps['executions']>(),
  sandboxes: closed<CatalogueDeps['sandboxes']>(),
  presenter: closed<CatalogueDeps['presenter']>(),
  watch: closed<CatalogueDeps['watch']>(),
  search: closed<CatalogueDeps['search']>(),
  screens: closed<CatalogueDeps['screens']>(),
  tools: closed<CatalogueDeps['tools']>(),
  logs: closed<CatalogueDeps['logs']>(),
  receipts: closed<CatalogueDeps['receipts']>(),
  drivers: new Map(),
  config: configSchema.parse({ stateDir: '/state' }),
  shells: { sh: '/bin/sh', bash: undefined },
});

it('costs a model at most 12 KB', () => {
  expect(toolListBytes(catalogue)).toBeLessThanOrEqual(12 * 1024 - 64);
});

it('names its tools as clients want them, each once', () => {
  const names = catalogue.filter(({ unlisted }) => unlisted !== true).map((operation) => operation.tool);
  expect(names).toEqual([
    'execute_command',
    'execute_code',
    'wait',
    'read_output',
    'send_input',
    'terminate',
    'list_executions',
    'files',
    'sandbox',
    'install_packages',
    'describe_environment',
  ]);
  for (const name of names) expect(name).toMatch(/^[a-z][a-z_]{1,39}$/);
});

it('calls read what reads, and nothing else', () => {
  for (const { effect, hints, tool } of catalogue) if (effect === 'read') expect(hints.destructive, tool).toBe(false);
});

it('mentions no tool that does not exist', () => {
  const names = new Set(catalogue.map((operation) => operation.tool));
  const texts = [INSTRUCTIONS, ...catalogue.map((operation) => operation.description)].join(' ');
  for (const word of texts.match(/\b[a-z]+_[a-z]+\b/g) ?? [])
    if (!/^(wait_seconds|execution_id|grace_seconds)$/.test(word)) expect(names, word).toContain(word);
});
