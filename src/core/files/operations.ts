import { posix } from 'node:path';
import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';
import type { FileEntry } from '../../ports/sandbox.ts';
import type { Config } from '../config/schema.ts';
import { defineOperation, type Operation } from '../operation.ts';
import type { TextSearch } from '../output/text-search.ts';
import type { LiveSandbox, Sandboxes } from '../sandboxes/types.ts';
import { resolveInside } from './paths.ts';
import { globToRegExp, walk } from './search.ts';
import { decodeText, readWhole, replaceText } from './text.ts';

export interface FileOperationsDeps {
  readonly sandboxes: Sandboxes;
  readonly search: TextSearch;
  readonly config: Config;
}

const ACTIONS = ['read', 'write', 'edit', 'list', 'search', 'remove', 'move', 'make_directory', 'info'] as const;
/** They change nothing. */
const LOOKS: ReadonlySet<string> = new Set<(typeof ACTIONS)[number]>(['read', 'list', 'search', 'info']);
const READ_BYTES = 32_768;
const LIST_ENTRIES = 500;
const SEARCH_ENTRIES = 100_000;

const input = z.strictObject({
  action: z.enum(ACTIONS),
  path: z.string().min(1).max(4096).describe('Absolute or relative to the workspace.'),
  content: z.string().optional(),
  encoding: z.enum(['text', 'base64']).optional().describe('base64 for bytes.'),
  append: z.boolean().optional(),
  old_text: z.string().min(1).optional().describe('Must occur once.'),
  new_text: z.string().optional(),
  replace_all: z.boolean().optional(),
  offset: z.int().min(0).optional().describe('read: first line from 0 (base64: byte); next_offset continues.'),
  limit: z.int().min(1).max(1_000_000).optional().describe('Lines, bytes or entries.'),
  pattern: z.string().min(1).max(2000).optional().describe('search: regex in contents.'),
  glob: z.string().min(1).max(500).optional().describe('Such as **/*.ts.'),
  hidden: z.boolean().optional().describe('Dot files and node_modules too.'),
  recursive: z.boolean().optional(),
  to: z.string().min(1).max(4096).optional().describe('move.'),
  overwrite: z.boolean().optional(),
  sandbox: z.string().min(1).max(64).optional(),
});
type Input = z.output<typeof input>;
type Answer = Record<string, unknown>;

const need = <T>(value: T | undefined, action: string, field: string): T => {
  if (value === undefined) throw new CorralError('invalid_input', `files ${action}: give ${field}.`);
  return value;
};

const entryView = (path: string, entry: FileEntry): Answer => ({
  path,
  kind: entry.kind,
  ...(entry.kind === 'file' && { size: entry.size }),
  modified: new Date(entry.modifiedMs).toISOString(),
  ...(entry.target !== undefined && entry.target !== '' && { target: entry.target }),
});

const readText = async (live: LiveSandbox, path: string, args: Input, signal: AbortSignal): Promise<Answer> => {
  const data = await readWhole(live.sandbox.files, path, undefined, signal);
  const text = decodeText(data);
  if (text === undefined)
    throw new CorralError('invalid_input', `${path} is not UTF-8 text (${String(data.length)} bytes).`, {
      hint: 'Read it with encoding "base64".',
    });
  const lines = text.split('\n');
  const total = text.endsWith('\n') ? lines.length - 1 : lines.length;
  const from = args.offset ?? 0;
  const wanted = lines.slice(from, args.limit === undefined ? undefined : from + args.limit);
  let shown = 0;
  let bytes = 0;
  while (
    shown < wanted.length &&
    (shown === 0 || bytes + Buffer.byteLength(wanted[shown] ?? '') < READ_BYTES * (args.limit === undefined ? 1 : 8))
  ) {
    bytes += Buffer.byteLength(wanted[shown] ?? '') + 1;
    shown += 1;
  }
  const last = from + shown >= lines.length;
  const content = wanted.slice(0, shown).join('\n') + (last || shown === 0 ? '' : '\n');
  return { path, content, size: data.length, lines: total, ...(from + shown < total && { next_offset: from + shown }) };
};

const readBytes = async (live: LiveSandbox, path: string, args: Input, signal: AbortSignal): Promise<Answer> => {
  const offset = args.offset ?? 0;
  const page = await live.sandbox.files.read(path, offset, Math.min(args.limit ?? 512 * 1024, 1024 * 1024), signal);
  return {
    path,
    content: Buffer.from(page.data).toString('base64'),
    encoding: 'base64',
    size: page.size,
    ...(!page.eof && { next_offset: offset + page.data.length }),
  };
};

const contentBytes = (args: Input): Buffer => {
  const content = need(args.content, 'write', 'content');
  if (args.encoding !== 'base64') return Buffer.from(content);
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content)) throw new CorralError('invalid_input', 'content: is not base64.');
  return Buffer.from(content, 'base64');
};

const list = async (live: LiveSandbox, path: string, args: Input, signal: AbortSignal): Promise<Answer> => {
  const max = Math.min(args.limit ?? LIST_ENTRIES, 5000);
  const pattern = args.glob === undefined ? undefined : globToRegExp(args.glob);
  const entries: Answer[] = [];
  let more = false;
  const options = {
    hidden: args.hidden ?? pattern === undefined,
    maxEntries: SEARCH_ENTRIES,
    maxDepth: args.recursive === true || pattern !== undefined ? undefined : 1,
  };
  for await (const found of walk(live.sandbox.files, path, options, signal)) {
    const name = posix.relative(path, found.path);
    if (pattern !== undefined && !pattern.test(name) && !pattern.test(found.entry.name)) continue;
    if (entries.length >= max) {
      more = true;
      break;
    }
    entries.push(entryView(name, found.entry));
  }
  return { path, entries, ...(more && { truncated: true }) };
};

export const fileOperations = (deps: FileOperationsDeps): readonly Operation[] => {
  const liveOf = (args: Input, signal: AbortSignal): Promise<LiveSandbox> =>
    args.sandbox === undefined ? deps.sandboxes.primary(signal) : deps.sandboxes.get(args.sandbox, signal);

  const search = async (live: LiveSandbox, path: string, args: Input, signal: AbortSignal): Promise<Answer> => {
    const pattern = need(args.pattern, 'search', 'pattern');
    const glob = args.glob === undefined ? undefined : globToRegExp(args.glob);
    const max = Math.min(args.limit ?? 100, 1000);
    const matches: Answer[] = [];
    let files = 0;
    for await (const found of walk(live.sandbox.files, path, { hidden: args.hidden ?? false, maxEntries: SEARCH_ENTRIES }, signal)) {
      if (found.entry.kind !== 'file' || found.entry.size > 4 * 1024 * 1024) continue;
      const name = posix.relative(path, found.path);
      if (glob !== undefined && !glob.test(name) && !glob.test(found.entry.name)) continue;
      const data = await readWhole(live.sandbox.files, found.path, undefined, signal);
      if (data.subarray(0, 4096).includes(0)) continue;
      files += 1;
      for (const hit of await deps.search.search(data, pattern, { ignoreCase: false, max: max - matches.length, signal }))
        matches.push({ path: name, line: hit.line, text: hit.text });
      if (matches.length >= max) return { path, matches, files_searched: files, truncated: true };
    }
    return { path, matches, files_searched: files };
  };

  const actions: Record<(typeof ACTIONS)[number], (live: LiveSandbox, path: string, args: Input, signal: AbortSignal) => Promise<Answer>> =
    {
      read: (live, path, args, signal) => (args.encoding === 'base64' ? readBytes : readText)(live, path, args, signal),
      write: async (live, path, args, signal) => {
        const data = contentBytes(args);
        const { size } = await live.sandbox.files.write(path, data, { append: args.append ?? false, makeParents: true }, signal);
        return { path, size };
      },
      edit: async (live, path, args, signal) => {
        const data = await readWhole(live.sandbox.files, path, undefined, signal);
        const text = decodeText(data);
        if (text === undefined) throw new CorralError('invalid_input', `${path} is not UTF-8 text.`, { hint: 'Change it with a command.' });
        const edited = replaceText(
          text,
          need(args.old_text, 'edit', 'old_text'),
          need(args.new_text, 'edit', 'new_text'),
          args.replace_all ?? false,
          path,
        );
        const { size } = await live.sandbox.files.write(path, Buffer.from(edited.text), {}, signal);
        return { path, size, replaced: edited.count };
      },
      list,
      search,
      remove: async (live, path, args) => ({ path, ...(await live.sandbox.files.remove(path, args.recursive ?? false)) }),
      move: async (live, path, args) => {
        const to = resolveInside(live, need(args.to, 'move', 'to'));
        await live.sandbox.files.rename(path, to, args.overwrite ?? false);
        return { path: to };
      },
      make_directory: async (live, path) => {
        await live.sandbox.files.makeDirectory(path, true);
        return { path };
      },
      info: async (live, path) => entryView(path, await live.sandbox.files.stat(path, false)),
    };

  const files = defineOperation({
    name: 'files.act',
    tool: 'files',
    title: 'Files of the sandbox',
    description:
      'Read, write, edit, list, search, remove or move files in the workspaces, /tmp and home of a sandbox. write replaces the whole file and makes its folders; ' +
      'edit replaces one exact piece of text.',
    effect: 'write',
    hints: { destructive: true, idempotent: false, openWorld: false },
    input,
    output: z.looseObject({}),
    subject: ({ action, path, to }) => ({ effect: LOOKS.has(action) ? 'read' : 'write', paths: to === undefined ? [path] : [path, to] }),
    limited: ({ action }) => !LOOKS.has(action),
    run: async (args, context) => {
      const live = await liveOf(args, context.signal);
      return actions[args.action](live, resolveInside(live, args.path), args, context.signal);
    },
  });
  return [files];
};
