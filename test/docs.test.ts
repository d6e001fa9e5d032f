import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { COMMANDS } from '../src/faces/cli/commands.ts';
import { brokenLinks, incompleteDecisions, missingPaths, unknownCommands, unknownScripts, unparsable, type Tree } from './docs/claims.ts';
import { readPages, type Page } from './docs/markdown.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const SKIPPED = /^(node_modules|\.git|dist|build|coverage)(\/|$)/;

const shellParses = (text: string): boolean => spawnSync('sh', ['-n'], { input: text }).status === 0;

/** Every file and folder, from the root, but what is installed or built. */
const treePaths = async (): Promise<ReadonlySet<string>> => {
  const paths = new Set<string>();
  for (const entry of await readdir(ROOT, { withFileTypes: true })) {
    if (SKIPPED.test(entry.name)) continue;
    paths.add(entry.name);
    if (!entry.isDirectory()) continue;
    const inside = await readdir(join(ROOT, entry.name), { recursive: true, withFileTypes: true });
    for (const { parentPath, name } of inside) paths.add(relative(ROOT, join(parentPath, name)));
  }
  return paths;
};

/** The commands as the command line declares them. */
const declaredCommands: ReadonlySet<string> = new Set(COMMANDS.keys());

describe('the rules for documents, each on a planted violation', () => {
  const tree: Tree = {
    paths: new Set(['a.md', 'src', 'src/here.ts']),
    scripts: new Set(['check']),
    commands: new Set(['serve']),
    parses: shellParses,
  };
  const page = (text: string, path = 'a.md'): readonly Page[] => [{ path, text }];
  const checks = [brokenLinks, unknownScripts, unknownCommands, missingPaths, unparsable];
  const all = (text: string): readonly string[] => checks.flatMap((check) => check(page(text), tree));

  it('find nothing in a page in order', () => {
    const text = [
      '# A page, with a heading',
      '[here](src/here.ts) [there](https://example.org/x) [self](#a-page-with-a-heading)',
      '`npm run check`, `npm ci`, `corral serve --bind x`, `src/here.ts`, `src/<name>/`, `corral DIR`',
      '```sh\nnpm run check && corral serve\n```',
      '```ts\n[not](a/link.md) `corral nothing`\n```',
    ].join('\n');
    expect(all(text)).toEqual([]);
  });

  it.each([
    ['a link to nowhere', '[x](gone.md)', 'there is no gone.md'],
    ['a link to a heading that is not there', '# One\n[x](#two)', 'a.md has no heading #two'],
    ['an npm script that is not there', 'run `npm run gone`', '"npm run gone" is no script'],
    ['an npm word that is neither script nor npm', '```sh\nnpm bench\n```', '"npm bench" is no script'],
    ['a command that is not there', '```sh\nFOO=1 corral gone --x\n```', '"corral gone" is no command'],
    ['a path that is not there', 'see `src/gone.ts`', 'there is no src/gone.ts'],
    ['shell that does not parse', '```sh\nif true; then\n```', 'cannot parse'],
  ])('find %s', (_name, text, told) => {
    const found = all(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(told);
  });

  it('find a decision without drawbacks, with the wrong number, and one that is not in the index', () => {
    expect(incompleteDecisions(page('# 2\n\n## Context\n\n## Decision\n\n## Consequences\n', 'docs/adr/0002-x.md'))).toEqual([
      'docs/adr/0002-x.md: no section "Drawbacks"',
      'docs/adr/0002-x.md: its number is not the next one',
      'docs/adr/0002-x.md: not in the index',
    ]);
  });
});

describe('the documents of this tree', async () => {
  const pages = await readPages(ROOT);
  const tree: Tree = {
    paths: await treePaths(),
    scripts: new Set(Object.keys(manifest.scripts)),
    commands: new Set(),
    parses: shellParses,
  };

  it('were read', () => {
    expect(pages.map(({ path }) => path)).toEqual(expect.arrayContaining(['ARCHITECTURE.md', 'docs/adr/README.md']));
  });

  it.each([
    ['lead to pages and headings that exist', brokenLinks],
    ['name npm scripts that exist', unknownScripts],
    ['name files that exist', missingPaths],
    ['hold shell that parses', unparsable],
    ['hold whole decisions', incompleteDecisions],
  ])('%s', (_name, check) => {
    expect(check(pages, tree)).toEqual([]);
  });

  it('name commands that exist', () => {
    expect(unknownCommands(pages, { ...tree, commands: declaredCommands })).toEqual([]);
  });
});
