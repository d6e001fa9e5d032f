import { posix } from 'node:path';
import { CorralError } from '../../../ports/errors.ts';
import type { FileEntry, SandboxFiles } from '../../../ports/sandbox.ts';
import { SUPERVISOR_ERROR, supervisorError } from '../supervisor/errors.ts';

interface FileNode {
  readonly kind: 'file';
  data: Buffer;
  mode: number;
  modifiedMs: number;
}
interface FolderNode {
  readonly kind: 'directory';
  readonly children: Map<string, Node>;
  mode: number;
  modifiedMs: number;
}
interface LinkNode {
  readonly kind: 'link';
  readonly target: string;
  readonly mode: number;
  readonly modifiedMs: number;
}
type Node = FileNode | FolderNode | LinkNode;

const MAX_LINKS = 40;
const MAX_ENTRIES = 4096;
const MAX_READ = 1024 * 1024;

const folder = (): FolderNode => ({ kind: 'directory', children: new Map(), mode: 0o755, modifiedMs: Date.now() });

const fail = (code: keyof typeof SUPERVISOR_ERROR, action: string, path: string, roots: readonly string[]): CorralError =>
  supervisorError(SUPERVISOR_ERROR[code], 0, code, { action, path, roots });

interface Place {
  readonly parent: FolderNode;
  readonly name: string;
  readonly node: Node | undefined;
}

/** The files of a memory sandbox: folders, files and links beneath its roots, with the refusals of the supervisor. */
export interface Tree {
  readonly files: SandboxFiles;
  isFolder(path: string): boolean;
  link(target: string, path: string): void;
}

export const createTree = (roots: readonly string[]): Tree => {
  const top = new Map(roots.map((root) => [root, folder()]));

  const rootOf = (path: string, action: string): { root: string; parts: string[] } => {
    if (!path.startsWith('/')) throw new CorralError('invalid_input', `${JSON.stringify(path)} is not an absolute path.`);
    const root = roots.find((one) => path === one || path.startsWith(`${one}/`));
    if (root === undefined) throw fail('outsideRoots', action, path, roots);
    return {
      root,
      parts: path
        .slice(root.length)
        .split('/')
        .filter((part) => part !== '' && part !== '.'),
    };
  };

  /** Walks without ever leaving the root; `..` and links are followed only as far as they stay beneath it. */
  const find = (path: string, action: string, follow: boolean, make = false): Place => {
    const { root, parts } = rootOf(path, action);
    const trail: { node: FolderNode; name: string }[] = [{ node: top.get(root)!, name: '' }];
    const todo = [...parts];
    let links = 0;
    while (todo.length > 0) {
      const name = todo.shift()!;
      const parent = trail.at(-1)!.node;
      if (name === '..') {
        if (trail.length === 1) throw fail('outsideRoots', action, path, roots);
        trail.pop();
        continue;
      }
      let node = parent.children.get(name);
      if (node?.kind === 'link' && (todo.length > 0 || follow)) {
        links += 1;
        if (links > MAX_LINKS || node.target.startsWith('/')) throw fail('outsideRoots', action, path, roots);
        todo.unshift(...node.target.split('/').filter((part) => part !== '' && part !== '.'));
        continue;
      }
      if (todo.length === 0) return { parent, name, node };
      if (node === undefined && make) parent.children.set(name, (node = folder()));
      if (node === undefined) throw fail('notFound', action, path, roots);
      if (node.kind !== 'directory') throw fail('notADirectory', action, path, roots);
      trail.push({ node, name });
    }
    const { node, name } = trail.at(-1)!;
    return { parent: trail.at(-2)?.node ?? node, name, node };
  };

  const existing = (path: string, action: string, follow: boolean): Node => {
    const { node } = find(path, action, follow);
    if (node === undefined) throw fail('notFound', action, path, roots);
    return node;
  };

  const entry = (name: string, node: Node): FileEntry => ({
    name,
    kind: node.kind,
    size: node.kind === 'file' ? node.data.length : 0,
    modifiedMs: node.modifiedMs,
    mode: node.mode,
    ...(node.kind === 'link' && { target: node.target }),
  });

  const count = (node: Node): number =>
    node.kind === 'directory' ? [...node.children.values()].reduce((sum, child) => sum + count(child), 1) : 1;

  const files: SandboxFiles = {
    read: async (path, offset, length) => {
      const node = existing(path, 'read', true);
      if (node.kind !== 'file') throw fail('notAFile', 'read', path, roots);
      const data = node.data.subarray(offset, offset + Math.min(length, MAX_READ));
      return { data: Uint8Array.prototype.slice.call(data), size: node.data.length, eof: offset + data.length >= node.data.length };
    },
    write: async (path, data, options = {}) => {
      const { parent, name, node } = find(path, 'write', true, options.makeParents);
      if (node !== undefined && options.exclusive === true) throw fail('exists', 'write', path, roots);
      if (node !== undefined && node.kind !== 'file') throw fail('notAFile', 'write', path, roots);
      const content = options.append === true && node !== undefined ? Buffer.concat([node.data, data]) : Buffer.from(data);
      parent.children.set(name, { kind: 'file', data: content, mode: node?.mode ?? options.mode ?? 0o644, modifiedMs: Date.now() });
      return { size: content.length };
    },
    stat: async (path, follow = false) => entry(posix.basename(path), existing(path, 'look at', follow)),
    list: async (path, { after = '', max = MAX_ENTRIES } = {}) => {
      const node = existing(path, 'list', true);
      if (node.kind !== 'directory') throw fail('notADirectory', 'list', path, roots);
      const from = Buffer.from(after);
      const names = [...node.children.keys()]
        .map((name) => ({ name, bytes: Buffer.from(name) }))
        .filter(({ bytes }) => bytes.compare(from) > 0)
        .toSorted((a, b) => a.bytes.compare(b.bytes));
      const page = names.slice(0, Math.min(max, MAX_ENTRIES));
      return { entries: page.map(({ name }) => entry(name, node.children.get(name)!)), more: names.length > page.length };
    },
    remove: async (path, recursive) => {
      const { parent, name, node } = find(path, 'remove', false);
      if (node === undefined) throw fail('notFound', 'remove', path, roots);
      if (name === '') throw fail('permission', 'remove', path, roots);
      if (node.kind === 'directory' && node.children.size > 0 && !recursive) throw fail('notEmpty', 'remove', path, roots);
      parent.children.delete(name);
      return { removed: count(node) };
    },
    makeDirectory: async (path, parents) => {
      const { parent, name, node } = find(path, 'make', true, parents);
      if (node?.kind === 'directory' && parents) return;
      if (node !== undefined) throw fail('exists', 'make', path, roots);
      parent.children.set(name, folder());
    },
    rename: async (from, to, replace) => {
      const source = find(from, 'rename', false);
      if (source.node === undefined) throw fail('notFound', 'rename', from, roots);
      const target = find(to, 'rename', false);
      if (target.node !== undefined && !replace) throw fail('exists', 'rename', to, roots);
      source.parent.children.delete(source.name);
      target.parent.children.set(target.name, source.node);
    },
  };

  return {
    files,
    isFolder: (path) => {
      try {
        return existing(path, 'enter', true).kind === 'directory';
      } catch (error) {
        if (error instanceof CorralError) return false;
        throw error;
      }
    },
    link: (target, path) => {
      const { parent, name } = find(path, 'link', false);
      parent.children.set(name, { kind: 'link', target, mode: 0o777, modifiedMs: Date.now() });
    },
  };
};
