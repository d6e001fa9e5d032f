import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** A page, by its path from the root of the repository. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

const FOLDERS = ['docs', 'examples', 'bench', 'supervisor'];

/** Every page of the project: those at the root and those in the folders that hold documents. */
export const readPages = async (root: string): Promise<readonly Page[]> => {
  const top = (await readdir(root)).filter((name) => name.endsWith('.md'));
  const nested = await Promise.all(
    FOLDERS.map(async (folder) => {
      const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      return entries.filter((entry) => entry.isFile() && entry.name.endsWith('.md')).map((entry) => join(entry.parentPath, entry.name));
    }),
  );
  const paths = [...top, ...nested.flat().map((path) => relative(root, path))].toSorted();
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })));
};

const FENCE = /^```(\w*)[^\n]*\n([\s\S]*?)^```/gm;

/** Fenced blocks of one language. */
export const blocks = ({ text }: Page, language: string): readonly string[] =>
  [...text.matchAll(FENCE)].filter(([, info]) => info === language).map(([, , body]) => body ?? '');

/** Text in backticks, outside fenced blocks. */
export const codeSpans = ({ text }: Page): readonly string[] =>
  [...text.replace(FENCE, '').matchAll(/`([^`\n]+)`/g)].map(([, span]) => span ?? '');

/** Everything a reader may copy as a command: the lines of sh blocks, and code spans. */
export const commands = (page: Page): readonly string[] => [
  ...codeSpans(page),
  ...['sh', 'bash', 'console'].flatMap((language) => blocks(page, language).flatMap((block) => block.split('\n'))),
];

/** Relative links: the file they lead to, from the root, and the heading within it. */
export const links = ({ path, text }: Page): readonly { readonly file: string; readonly anchor: string | undefined }[] =>
  [...text.replace(FENCE, '').matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^[a-z][a-z+.-]*:/i.test(target))
    .map((target) => {
      const [file = '', anchor] = target.split('#');
      return { file: file === '' ? path : join(dirname(path), file), anchor };
    });

/** The anchors of a page's headings, as the usual renderers make them. */
export const anchors = ({ text }: Page): ReadonlySet<string> =>
  new Set(
    [...text.replace(FENCE, '').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      (heading ?? '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
