import { isBuiltin } from 'node:module';
import type { Facts } from './source.ts';

/** The folders of the house, and what each may name. `main` may name everything. */
const MAY_IMPORT = {
  main: ['main', 'faces', 'core', 'drivers', 'ports', 'lib'],
  faces: ['faces', 'core', 'ports', 'lib'],
  core: ['core', 'ports', 'lib'],
  drivers: ['drivers', 'ports', 'lib'],
  ports: ['ports'],
  lib: ['lib'],
} as const;

type Floor = keyof typeof MAY_IMPORT;

/** The composition root. */
const MAIN = 'src/main.ts';

/** The one place that starts a process: the server's resident launcher. */
const LAUNCHER = /^src\/drivers\/sandbox\/supervisor\/launcher[a-z-]*\.ts$/;

/** Modules that start processes. */
const SPAWNERS = new Set(['child_process', 'node:child_process', 'cluster', 'node:cluster']);

/** Packages that belong to one part of the house: the rest of it must not notice when they are replaced. */
const HOMES: readonly { readonly packages: RegExp; readonly home: RegExp }[] = [
  { packages: /^@modelcontextprotocol\//, home: /^src\/faces\/mcp\// },
  { packages: /^(kysely|libsql|(node:)?sqlite)(\/|$)/, home: /^src\/drivers\/store\// },
  { packages: /^commander(\/|$)/, home: /^src\/(faces\/cli\/|main\.ts$)/ },
];

export const MAX_LINES = 400;

const floorOf = (path: string): Floor | undefined => {
  if (path === MAIN) return 'main';
  const folder = /^src\/([^/]+)\//.exec(path)?.[1];
  return folder !== undefined && folder !== 'main' && Object.hasOwn(MAY_IMPORT, folder) ? (folder as Floor) : undefined;
};

const isOwn = (name: string): boolean => /^(src|test|scripts|bench|examples)\//.test(name);

/** A sentence for each file that lies outside the house, or reaches where its floor may not. */
export const checkFloors = (files: readonly Facts[]): readonly string[] =>
  files.flatMap(({ path, imports }) => {
    const floor = floorOf(path);
    if (floor === undefined) return [`${path} is on no floor: only src/main.ts and src/{faces,core,ports,drivers,lib}/ exist`];
    const allowed: readonly Floor[] = MAY_IMPORT[floor];
    return imports.flatMap((name) => {
      if (isOwn(name)) {
        const target = floorOf(name);
        return target !== undefined && allowed.includes(target)
          ? []
          : [`${path} imports ${name}: ${floor} may import only ${allowed.join(', ')}`];
      }
      if (floor === 'ports') return [`${path} imports ${name}: ports import nothing but ports`];
      if (floor === 'lib' && !isBuiltin(name)) return [`${path} imports ${name}: lib imports nothing but lib and what Node brings`];
      return [];
    });
  });

/** Each cycle once, as the path around it. Type-only imports count: a reader follows them all the same. */
export const checkCycles = (files: readonly Facts[]): readonly string[] => {
  const graph = new Map(files.map((file) => [file.path, file.imports]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const seen = trail.indexOf(path);
    if (seen >= 0) cycles.push(`import cycle: ${[...trail.slice(seen), path].join(' -> ')}`);
    if (seen >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) if (graph.has(next)) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return cycles;
};

export const checkSpawners = (files: readonly Facts[]): readonly string[] =>
  files.flatMap(({ path, imports }) =>
    LAUNCHER.test(path)
      ? []
      : imports.filter((name) => SPAWNERS.has(name)).map((name) => `${path} imports ${name}: only the launcher's client starts a process`),
  );

export const checkHomes = (files: readonly Facts[]): readonly string[] =>
  files.flatMap(({ path, imports }) =>
    imports.flatMap((name) =>
      HOMES.filter(({ packages, home }) => packages.test(name) && !home.test(path)).map(
        ({ home }) => `${path} imports ${name}, which belongs to ${home.source}`,
      ),
    ),
  );

/** What no file of src may contain. */
export const checkHabits = (files: readonly Facts[]): readonly string[] =>
  files.flatMap((file) => [
    ...file.consoleCalls.map((line) => `${file.path}:${line} uses console: stdout belongs to the protocol, logs go through the logger`),
    ...file.exportStars.map((line) => `${file.path}:${line} exports *: name what is exported`),
    ...file.defaultExports.map((line) => `${file.path}:${line} has a default export: name it`),
    ...file.moduleState.map((line) => `${file.path}:${line} keeps module-level state: give it an owner`),
  ]);

export const checkSizes = (files: readonly Facts[]): readonly string[] =>
  files.filter(({ lines }) => lines > MAX_LINES).map(({ path, lines }) => `${path} has ${lines} lines; at most ${MAX_LINES}`);
