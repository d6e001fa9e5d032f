import { isLiteral, wordText, type PlanCommand, type ShellPlan, type Word } from '../../../../src/core/policy/shell/plan.ts';

/** What a program was started with, and where. */
export interface Started {
  readonly cwd: string;
  readonly argv: readonly string[];
}

export interface World {
  readonly cwd: string;
  readonly home: string;
  /** Absolute paths of what there is. */
  readonly files: readonly string[];
  readonly folders: readonly string[];
  /** What a program ends with. */
  readonly statusOf: (name: string) => number;
}

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  punct: '!-\\/:-@\\[-`{-~',
  blank: ' \\t',
  xdigit: '0-9A-Fa-f',
};

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

const bracket = (glob: string): string => {
  const inner = glob.slice(1, -1).replace(/^[!^]/, '');
  const body = inner.replace(/\[:([a-z]+):\]|[\\\]^[]/g, (found, name?: string) =>
    name === undefined ? `\\${found}` : (CLASSES[name] ?? ''),
  );
  return `[${/^\[[!^]/.test(glob) ? '^' : ''}${body}]`;
};

/** The word as segments between slashes, each a pattern or a text. */
const segments = (word: Word): readonly { readonly pattern: string; readonly text: string; readonly glob: boolean }[] => {
  const out = [{ pattern: '', text: '', glob: false }];
  for (const part of word) {
    if ('glob' in part) {
      const last = out.at(-1);
      if (last === undefined) continue;
      last.pattern += part.glob === '*' ? '.*' : part.glob === '?' ? '.' : bracket(part.glob);
      last.text += part.glob;
      last.glob = true;
      continue;
    }
    for (const [index, piece] of ('literal' in part ? part.literal : '').split('/').entries()) {
      if (index > 0) out.push({ pattern: '', text: '', glob: false });
      const last = out.at(-1);
      if (last === undefined) continue;
      last.pattern += escape(piece);
      last.text += piece;
    }
  }
  return out;
};

const byBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** Expands as the plan's page says; a pattern without a match stands for itself. */
const expand = (word: Word, cwd: string, world: World): readonly string[] => {
  const there = word.map((part) => ('home' in part ? { literal: world.home } : part));
  if (isLiteral(there)) return [wordText(there)];
  const parts = segments(there);
  const absolute = parts.length > 1 && parts[0]?.text === '' && !parts[0].glob;
  const entries = new Set([...world.files, ...world.folders]);
  const childrenOf = (folder: string): readonly string[] => {
    const prefix = folder === '/' ? '/' : `${folder}/`;
    return [...entries]
      .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/') && path !== folder)
      .map((path) => path.slice(prefix.length));
  };
  const resolve = (shown: string): string => {
    const done: string[] = [];
    for (const part of (shown.startsWith('/') ? shown : `${cwd}/${shown}`).split('/')) {
      if (part === '..') done.pop();
      else if (part !== '' && part !== '.') done.push(part);
    }
    return `/${done.join('/')}`;
  };
  let found: readonly string[] = [absolute ? '/' : ''];
  for (const [index, part] of (absolute ? parts.slice(1) : parts).entries()) {
    const last = index === (absolute ? parts.length - 2 : parts.length - 1);
    found = found.flatMap((base) => {
      if (part.text === '' && !part.glob)
        return last
          ? world.folders.includes(resolve(base)) || resolve(base) === '/'
            ? [base]
            : []
          : [`${base}${base === '' || base.endsWith('/') ? (base === '' ? '' : '/') : '/'}`];
      const join = (name: string): string => `${base}${name}`;
      if (!part.glob) {
        const path = resolve(join(part.text));
        return entries.has(path) || path === '/' ? [last ? join(part.text) : `${join(part.text)}/`] : [];
      }
      const regex = new RegExp(`^${part.pattern}$`, 'su');
      const names = childrenOf(resolve(base === '' ? '.' : base)).filter(
        (name) => regex.test(name) && (!name.startsWith('.') || part.text.startsWith('.')),
      );
      return names
        .filter((name) => last || world.folders.includes(resolve(join(name))))
        .map((name) => (last ? join(name) : `${join(name)}/`));
    });
  }
  return found.length === 0 ? [wordText(there)] : [...found].sort(byBytes);
};

/** Carries a plan out on paper: what would be started, in order. */
export const runOnPaper = (plan: ShellPlan, world: World): readonly Started[] => {
  const started: Started[] = [];
  let { cwd } = world;
  let status = 0;
  for (const { when, stages } of plan.steps) {
    if ((when === 'success' && status !== 0) || (when === 'failure' && status === 0)) continue;
    const [first] = stages;
    if (first.kind === 'cd') {
      const parts: string[] = [];
      for (const part of (first.path.startsWith('/') ? first.path : `${cwd}/${first.path}`).split('/')) {
        if (part === '..') parts.pop();
        else if (part !== '' && part !== '.') parts.push(part);
      }
      const target = `/${parts.join('/')}`;
      const exists = world.folders.includes(target) || target === '/';
      if (exists) cwd = target;
      status = exists ? 0 : 1;
      continue;
    }
    for (const command of stages as readonly PlanCommand[]) {
      const argv = command.argv.flatMap((word) => expand(word, cwd, world));
      started.push({ cwd, argv });
      status = world.statusOf(argv[0] ?? '');
    }
  }
  return started;
};
