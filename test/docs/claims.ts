import { join } from 'node:path';
import { anchors, blocks, codeSpans, commands, links, type Page } from './markdown.ts';

/** What a document may refer to. */
export interface Tree {
  /** Every file and folder of the repository, from its root. */
  readonly paths: ReadonlySet<string>;
  /** npm scripts. */
  readonly scripts: ReadonlySet<string>;
  /** Commands of `corral`. */
  readonly commands: ReadonlySet<string>;
  /** Whether a shell can parse it. */
  readonly parses: (shell: string) => boolean;
}

export const brokenLinks = (pages: readonly Page[], { paths }: Tree): readonly string[] => {
  const headings = new Map(pages.map((page) => [page.path, anchors(page)]));
  return pages.flatMap((page) =>
    links(page).flatMap(({ file, anchor }) => {
      if (!paths.has(file.replace(/\/$/, ''))) return [`${page.path}: there is no ${file}`];
      const known = headings.get(file);
      return anchor === undefined || known === undefined || known.has(anchor) ? [] : [`${page.path}: ${file} has no heading #${anchor}`];
    }),
  );
};

/** npm's own words, which need no script of that name. */
const NPM_WORDS = new Set(['init', 'ci', 'install', 'i', 'run', 'pack', 'publish', 'audit', 'exec', 'link']);

export const unknownScripts = (pages: readonly Page[], { scripts }: Tree): readonly string[] =>
  pages.flatMap((page) =>
    commands(page)
      .flatMap((text) => [...text.matchAll(/\bnpm (run )?([a-z][\w:-]*)/g)])
      .filter(([, run, name = '']) => !scripts.has(name) && (run !== undefined || !NPM_WORDS.has(name)))
      .map(([text]) => `${page.path}: "${text}" is no script of package.json`),
  );

export const unknownCommands = (pages: readonly Page[], tree: Tree): readonly string[] =>
  pages.flatMap((page) =>
    commands(page)
      .flatMap((text) => [...text.matchAll(/(?:^|[\s;|&(]|npx )corral ([a-z][a-z-]*)(?=\s|$)/g)])
      .filter(([, name = '']) => !tree.commands.has(name))
      .map(([, name]) => `${page.path}: "corral ${name}" is no command`),
  );

/** A path of the repository in backticks; one with a placeholder or a pattern in it is an example. */
const REPOSITORY_PATH = /^(src|test|scripts|docs|supervisor|bench|examples|\.ci)\/[\w./-]*$/;

export const missingPaths = (pages: readonly Page[], { paths }: Tree): readonly string[] =>
  pages.flatMap((page) =>
    codeSpans(page)
      .filter((span) => REPOSITORY_PATH.test(span) && !paths.has(span.replace(/\/$/, '')))
      .map((span) => `${page.path}: there is no ${span}`),
  );

export const unparsable = (pages: readonly Page[], { parses }: Tree): readonly string[] =>
  pages.flatMap((page) => blocks(page, 'sh').flatMap((block) => (parses(block) ? [] : [`${page.path}: a shell cannot parse: ${block}`])));

const SECTIONS = ['Context', 'Decision', 'Consequences', 'Drawbacks'];
const ADR = /^docs\/adr\/(\d{4})-[a-z0-9-]+\.md$/;

/** Decisions without one of their four sections, out of sequence, or missing from the index. */
export const incompleteDecisions = (pages: readonly Page[]): readonly string[] => {
  const index = pages.find(({ path }) => path === join('docs/adr', 'README.md'))?.text ?? '';
  const decisions = pages.filter(({ path }) => ADR.test(path));
  return decisions.flatMap(({ path, text }, position) => [
    ...SECTIONS.filter((section) => !text.includes(`\n## ${section}\n`)).map((section) => `${path}: no section "${section}"`),
    ...(Number(ADR.exec(path)?.[1]) === position + 1 ? [] : [`${path}: its number is not the next one`]),
    ...(index.includes(path.slice('docs/adr/'.length)) ? [] : [`${path}: not in the index`]),
  ]);
};
