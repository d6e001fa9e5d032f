import { createPolicy, type Policy } from '../../../../src/core/policy/decide.ts';
import type { FileFacts } from '../../../../src/core/policy/resolve.ts';
import { createResolver } from '../../../../src/core/policy/resolve.ts';
import { allowList, rulesSchema, type Rules, type RulesInput } from '../../../../src/core/policy/rules.ts';

export const ROOT = '/workspace';

/** Files in memory: links by their target, everything else by what it is. */
export interface FakeFiles {
  readonly links?: Readonly<Record<string, string>>;
  readonly folders?: readonly string[];
  readonly files?: readonly string[];
}

/** Follows links component by component, as the kernel does. */
export const fakeFiles = ({ links = {}, folders = [], files = [] }: FakeFiles): FileFacts => {
  const there = new Set(['/', ...folders, ...files]);
  const real = (path: string, depth = 0): string | undefined => {
    if (depth > 20) return undefined;
    const done: string[] = [];
    for (const part of path.split('/')) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        done.pop();
        continue;
      }
      done.push(part);
      const here = `/${done.join('/')}`;
      const target = links[here];
      if (target !== undefined) {
        const followed = real(target.startsWith('/') ? target : `${here.slice(0, here.lastIndexOf('/'))}/${target}`, depth + 1);
        if (followed === undefined) return undefined;
        done.splice(0, done.length, ...followed.split('/').filter((name) => name !== ''));
      } else if (!there.has(here)) return undefined;
    }
    return `/${done.join('/')}`;
  };
  return {
    realpath: (path) => real(path),
    stat: (path) => {
      const where = real(path);
      return where === undefined ? undefined : { kind: files.includes(where) ? 'file' : 'directory', uid: 0, mode: 0o755 };
    },
    isLink: (path) => Object.hasOwn(links, path),
  };
};

/** Every program is installed where it belongs. */
const installed = createResolver(
  {
    realpath: (path) =>
      /^\/usr(?:\/bin(?:\/[^/]+)?)?\/?\.?$/.test(path) || path === '/' ? path : /^\/bin(?:\/|$)/.test(path) ? `/usr${path}` : undefined,
    stat: (path) => ({ kind: /^\/usr\/bin\/[^/.]/.test(path) ? 'file' : 'directory', uid: 0, mode: 0o755 }),
    isLink: () => false,
  },
  ['/usr/bin', '/bin'],
);

export const WORKSPACE = fakeFiles({
  folders: [ROOT, `${ROOT}/src`, '/etc', '/root'],
  files: [`${ROOT}/a`, '/etc/shadow'],
  links: { [`${ROOT}/link-out`]: '/etc', [`${ROOT}/dangling`]: '/etc/new' },
});

export interface PolicyOptions {
  readonly driver?: string;
  readonly network?: string;
  readonly files?: FileFacts;
  readonly roots?: readonly string[];
}

export const policyOf = (
  rules: Rules,
  { driver = 'host', network = 'none', files = WORKSPACE, roots = [ROOT] }: PolicyOptions = {},
): Policy => createPolicy(rules, { resolver: installed, files, roots, home: '/root', driver, network });

export const rulesOf = (input: RulesInput): Rules => rulesSchema.parse(input);

export const allowing = (...names: readonly string[]): Policy => policyOf(allowList(names));
