import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkCycles, checkFloors, checkHabits, checkHomes, checkSizes, checkSpawners, MAX_LINES } from './architecture/rules.ts';
import { factsOf, readSources, type Facts } from './architecture/source.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** A small house in which every rule holds. */
const HOUSE: Readonly<Record<string, string>> = {
  'src/main.ts': `import { face } from './faces/mcp/face.ts';\nimport { driver } from './drivers/sandbox/driver.ts';\nface(driver);\n`,
  'src/faces/mcp/face.ts': `import type { Thing } from '../../core/thing.ts';\nexport const face = (thing: Thing): Thing => thing;\n`,
  'src/core/thing.ts': `import { port } from '../ports/port.ts';\nexport type Thing = typeof port;\n`,
  'src/ports/port.ts': `/** console.log, export *, export default: only words here. */\nexport const port = 'console.log("x"); export default 1';\n`,
  'src/drivers/sandbox/driver.ts': `import { port } from '../../ports/port.ts';\nimport { pad } from '../../lib/pad.ts';\nexport const driver = pad(port);\n`,
  'src/drivers/sandbox/supervisor/launcher.ts': `import { spawn } from 'node:child_process';\nexport const launch = (): unknown => spawn('true');\n`,
  'src/lib/pad.ts': `import { isIP } from 'node:net';\nexport const pad = (text: string): string => (isIP(text) ? text : \` \${text}\`);\n`,
};

/** The house with one file added or replaced. */
const houseWith = (path: string, text: string): readonly Facts[] =>
  Object.entries({ ...HOUSE, [path]: text }).map(([file, content]) => factsOf({ path: file, text: content }));

const all = (files: readonly Facts[]): readonly string[] =>
  [checkFloors, checkCycles, checkSpawners, checkHomes, checkHabits, checkSizes].flatMap((check) => check(files));

describe('the rules of the house, each on a planted violation', () => {
  it('finds nothing in a house in order', () => {
    expect(all(houseWith('src/core/other.ts', 'export const other = 1;\n'))).toEqual([]);
  });

  const planted: readonly (readonly [rule: string, path: string, text: string, told: RegExp])[] = [
    [
      'core must not see faces',
      'src/core/bad.ts',
      `import { face } from '../faces/mcp/face.ts';\nexport const bad = face;\n`,
      /core may import only/,
    ],
    [
      'core must not see drivers',
      'src/core/bad.ts',
      `import type { driver } from '../drivers/sandbox/driver.ts';\nexport type Bad = typeof driver;\n`,
      /core may import only/,
    ],
    [
      'faces must not see drivers',
      'src/faces/mcp/bad.ts',
      `export const bad = () => import('../../drivers/sandbox/driver.ts');\n`,
      /faces may import only/,
    ],
    ['drivers must not see core', 'src/drivers/bad.ts', `export { type Thing } from '../core/thing.ts';\n`, /drivers may import only/],
    [
      'ports must not see lib',
      'src/ports/bad.ts',
      `import { pad } from '../lib/pad.ts';\nexport const bad = pad;\n`,
      /ports may import only/,
    ],
    [
      'ports must not see packages',
      'src/ports/bad.ts',
      `import type { Readable } from 'node:stream';\nexport type Bad = Readable;\n`,
      /ports import nothing but ports/,
    ],
    ['lib must not see packages', 'src/lib/bad.ts', `import * as z from 'zod/v4';\nexport const bad = z;\n`, /lib imports nothing but lib/],
    [
      'lib must not see ports',
      'src/lib/bad.ts',
      `import { port } from '../ports/port.ts';\nexport const bad = port;\n`,
      /lib may import only/,
    ],
    ['nobody imports main', 'src/faces/mcp/bad.ts', `import '../../main.ts';\n`, /faces may import only/],
    ['src must not see tests', 'src/core/bad.ts', `import '../../test/fixture.ts';\n`, /core may import only/],
    ['every file is on a floor', 'src/util/bad.ts', `export const bad = 1;\n`, /on no floor/],
    [
      'no process outside the launcher',
      'src/drivers/sandbox/bad.ts',
      `import { execFile } from 'child_process';\nexport const bad = execFile;\n`,
      /only the launcher/,
    ],
    [
      'the protocol package stays in its face',
      'src/core/bad.ts',
      `import { McpServer } from '@modelcontextprotocol/server';\nexport const bad = McpServer;\n`,
      /belongs to/,
    ],
    ['the database stays in its driver', 'src/core/bad.ts', `export const bad = () => import('node:sqlite');\n`, /belongs to/],
    ['no console', 'src/core/bad.ts', `export const bad = () => console.error('x');\n`, /bad\.ts:1 uses console/],
    ['no export *', 'src/core/bad.ts', `\nexport * from './thing.ts';\n`, /bad\.ts:2 exports \*/],
    ['no export * as', 'src/core/bad.ts', `export * as bad from './thing.ts';\n`, /exports \*/],
    ['no default export', 'src/core/bad.ts', `export default class Bad {}\n`, /default export/],
    ['no default export by assignment', 'src/core/bad.ts', `const bad = 1;\nexport default bad;\n`, /bad\.ts:2 has a default export/],
    ['no default export by name', 'src/core/bad.ts', `const bad = 1;\nexport { bad as default };\n`, /default export/],
    ['no module-level state', 'src/core/bad.ts', `let count = 0;\nexport const bad = () => (count += 1);\n`, /module-level state/],
    ['no file too long', 'src/core/bad.ts', 'export {};\n'.repeat(MAX_LINES + 1), /401 lines/],
  ];

  it.each(planted)('%s', (_rule, path, text, told) => {
    const found = all(houseWith(path, text));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(told);
  });

  it('no import cycle, type-only or not, and tells the way around', () => {
    const files = ['a', 'b', 'c'].map((name, index) =>
      factsOf({ path: `src/core/${name}.ts`, text: `import type { x } from './${'bca'[index]}.ts';\nexport type Y = typeof x;\n` }),
    );
    expect(checkCycles(files)).toEqual(['import cycle: src/core/a.ts -> src/core/b.ts -> src/core/c.ts -> src/core/a.ts']);
  });
});

describe('this tree', async () => {
  const files = (await readSources(ROOT, 'src')).map(factsOf);

  it('was read', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(files.some(({ imports }) => imports.some((name) => name.startsWith('src/ports/')))).toBe(true);
  });

  it.each([
    ['keeps to its floors', checkFloors],
    ['has no import cycle', checkCycles],
    ['starts processes in one place only', checkSpawners],
    ['keeps packages where they belong', checkHomes],
    ['keeps the habits', checkHabits],
    [`has no file over ${MAX_LINES} lines`, checkSizes],
  ])('%s', (_name, check) => {
    expect(check(files)).toEqual([]);
  });
});
