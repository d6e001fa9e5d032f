import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** One file of the tree, by its path from the root of the repository, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** What the rules look at in one file. */
export interface Facts {
  readonly path: string;
  readonly lines: number;
  /** Every module it names: import, import type, export from, import(). Relative ones as paths from the root. */
  readonly imports: readonly string[];
  /** 1-based lines. */
  readonly consoleCalls: readonly number[];
  readonly exportStars: readonly number[];
  readonly defaultExports: readonly number[];
  /** Variables of the module itself that can be assigned anew. */
  readonly moduleState: readonly number[];
}

const isExported = (node: ts.Node, kind: ts.SyntaxKind): boolean =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node)?.some((modifier) => modifier.kind === kind) ?? false);

const isDefaultExport = (node: ts.Node): boolean =>
  (ts.isExportAssignment(node) && node.isExportEquals !== true) ||
  isExported(node, ts.SyntaxKind.DefaultKeyword) ||
  (ts.isExportSpecifier(node) && node.name.text === 'default');

const isModuleState = (node: ts.Node): boolean =>
  ts.isVariableStatement(node) && ts.isSourceFile(node.parent) && (node.declarationList.flags & ts.NodeFlags.Const) === 0;

const isAmbient = (node: ts.Node): boolean => isExported(node, ts.SyntaxKind.DeclareKeyword);

/** Reads the facts of one file from its syntax tree: comments and strings are never mistaken for code. */
export const factsOf = ({ path, text }: SourceFile): Facts => {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const consoleCalls: number[] = [];
  const exportStars: number[] = [];
  const defaultExports: number[] = [];
  const moduleState: number[] = [];
  const lineOf = (node: ts.Node): number => tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;

  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && node.expression.getText(tree) === 'console') consoleCalls.push(lineOf(node));
    if (ts.isExportDeclaration(node) && node.exportClause?.kind !== ts.SyntaxKind.NamedExports) exportStars.push(lineOf(node));
    if (isDefaultExport(node)) defaultExports.push(lineOf(node));
    if (isModuleState(node) && !isAmbient(node)) moduleState.push(lineOf(node));
    ts.forEachChild(node, visit);
  };
  visit(tree);

  const imports = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  const resolved = imports.map((name) => (name.startsWith('.') ? posix.join(posix.dirname(path), name) : name));
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return { path, lines, imports: [...new Set(resolved)], consoleCalls, exportStars, defaultExports, moduleState };
};

/** Every TypeScript file beneath a folder of the repository. */
export const readSources = async (root: string, folder: string): Promise<readonly SourceFile[]> => {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && /\.(ts|tsx)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  return Promise.all(paths.toSorted().map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })));
};
