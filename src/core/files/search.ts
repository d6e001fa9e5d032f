import { posix } from 'node:path';
import type { FileEntry, SandboxFiles } from '../../ports/sandbox.ts';
import { CorralError } from '../../ports/errors.ts';

/** Folders that hold what tools made, not what people wrote. */
const SKIPPED = new Set(['.git', 'node_modules', '.hg', '.svn', '__pycache__', '.venv', 'target']);
const MAX_DEPTH = 64;

export interface WalkOptions {
  readonly hidden: boolean;
  readonly maxEntries: number;
  readonly maxDepth?: number | undefined;
}

/** Every entry beneath a folder, folders first met, names in byte order; does not follow links. Stops quietly at `maxEntries`. */
export async function* walk(
  files: SandboxFiles,
  root: string,
  options: WalkOptions,
  signal: AbortSignal,
): AsyncGenerator<{ readonly path: string; readonly entry: FileEntry }> {
  let seen = 0;
  const pending: { path: string; depth: number }[] = [{ path: root, depth: 0 }];
  for (let folder = pending.shift(); folder !== undefined; folder = pending.shift()) {
    let after = '';
    for (;;) {
      signal.throwIfAborted();
      const page = await files.list(folder.path, { after, max: 1024 });
      for (const entry of page.entries) {
        if (!options.hidden && (SKIPPED.has(entry.name) || entry.name.startsWith('.'))) continue;
        const path = posix.join(folder.path, entry.name);
        yield { path, entry };
        seen += 1;
        if (seen >= options.maxEntries) return;
        if (entry.kind === 'directory' && folder.depth + 1 < Math.min(MAX_DEPTH, options.maxDepth ?? MAX_DEPTH))
          pending.push({ path, depth: folder.depth + 1 });
      }
      const last = page.entries.at(-1);
      if (!page.more || last === undefined) break;
      after = last.name;
    }
  }
}

/** Shell pattern on a path: `*` and `?` within a name, `**` across folders, `{a,b}` and `[...]`. Linear to match: no nested repetition is made. */
export const globToRegExp = (glob: string): RegExp => {
  let source = '';
  let group = 0;
  for (let index = 0; index < glob.length; index += 1) {
    const char = glob[index] ?? '';
    if (char === '*' && glob[index + 1] === '*') {
      index += 1;
      if (glob[index + 1] === '/') {
        index += 1;
        source += '(?:[^/]+/)*?';
      } else source += '.*';
    } else if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '{') {
      group += 1;
      source += '(?:';
    } else if (char === '}' && group > 0) {
      group -= 1;
      source += ')';
    } else if (char === ',' && group > 0) source += '|';
    else if (char === '[') {
      const end = glob.indexOf(']', index + 2);
      if (end < 0) source += '\\[';
      else {
        source += `[${glob
          .slice(index + 1, end)
          .replace(/^!/, '^')
          .replaceAll('\\', '\\\\')}]`;
        index = end;
      }
    } else source += char.replace(/[.+^$()|\\\]}/]/g, '\\$&');
  }
  try {
    return new RegExp(`^${source}${')'.repeat(group)}$`, 'u');
  } catch (error) {
    throw new CorralError('invalid_input', `glob: ${JSON.stringify(glob)} is not a pattern.`, { cause: error });
  }
};
