import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createResolver, type FileFacts } from '../../../src/core/policy/resolve.ts';
import { createSystemFacts } from '../../../src/core/policy/system-facts.ts';
import { temporaryFolder } from '../../support/run-bubblewrap.ts';

interface Entry {
  readonly kind?: 'file' | 'directory';
  readonly uid?: number;
  readonly mode?: number;
  readonly link?: string;
}

const facts = (entries: Readonly<Record<string, Entry>>): FileFacts => {
  const real = (path: string): string | undefined => {
    const plain = path.replace(/\/\.$/, '') || '/';
    const entry = entries[plain];
    return entry === undefined ? undefined : (entry.link ?? plain);
  };
  return {
    realpath: real,
    stat: (path) => {
      const entry = entries[real(path) ?? ''];
      return entry === undefined ? undefined : { kind: entry.kind ?? 'directory', uid: entry.uid ?? 0, mode: entry.mode ?? 0o755 };
    },
    isLink: (path) => entries[path]?.link !== undefined,
  };
};

const BASE = { '/': {}, '/usr': {}, '/usr/bin': {} } satisfies Record<string, Entry>;
const FILE = { kind: 'file' } as const;

describe('a bare name', () => {
  it('leads to the file in the first folder that has it', () => {
    const resolver = createResolver(
      facts({ ...BASE, '/opt': {}, '/opt/b': {}, '/usr/bin/ls': FILE, '/opt/b/ls': FILE, '/opt/b/x': FILE }),
      ['/usr/bin', '/opt/b'],
    );
    expect(resolver.resolve('ls')).toEqual({ kind: 'found', path: '/usr/bin/ls' });
    expect(resolver.resolve('x')).toEqual({ kind: 'found', path: '/opt/b/x' });
    expect(resolver.resolve('nope')).toEqual({ kind: 'missing' });
  });

  it.each(['', '.', '..', 'a/b', '/usr/bin/ls', 'ls\0'])('%j is none', (name) => {
    expect(createResolver(facts({ ...BASE, '/usr/bin/ls': FILE }), ['/usr/bin']).resolve(name)).toEqual({ kind: 'missing' });
  });

  it.each([
    ['belongs to somebody', { '/usr/bin/ls': { ...FILE, uid: 1000 } }, /does not belong to root/],
    ['may be written by its group', { '/usr/bin/ls': { ...FILE, mode: 0o775 } }, /can be written/],
    ['cannot be executed', { '/usr/bin/ls': { ...FILE, mode: 0o644 } }, /cannot be executed/],
    ['is a folder', { '/usr/bin/ls': {} }, /is no file/],
    [
      'leads to a file that somebody owns',
      { '/usr/bin/ls': { link: '/home/x/ls' }, '/home': {}, '/home/x': { uid: 1000 }, '/home/x/ls': FILE },
      /\/home\/x does not belong/,
    ],
  ])('is not trusted when the file %s', (_name, entries, told) => {
    const found = createResolver(facts({ ...BASE, ...entries }), ['/usr/bin']).resolve('ls');
    expect(found.kind).toBe('untrusted');
    expect('reason' in found && found.reason).toMatch(told);
  });

  it('is not looked for in a folder that others can write to', () => {
    const resolver = createResolver(facts({ ...BASE, '/tmp': { mode: 0o1777 }, '/tmp/ls': FILE, '/usr/bin/ls': FILE }), [
      '/tmp',
      '/usr/bin',
    ]);
    expect(resolver.folders).toEqual(['/usr/bin']);
    expect(resolver.resolve('ls')).toEqual({ kind: 'found', path: '/usr/bin/ls' });
  });
});

describe('an absolute path', () => {
  const resolver = createResolver(
    facts({
      ...BASE,
      '/bin': { link: '/usr/bin' },
      '/usr/bin/ls': FILE,
      '/bin/ls': { link: '/usr/bin/ls' },
      '/usr/bin/awk': { link: '/usr/bin/mawk' },
      '/usr/bin/mawk': FILE,
      '/usr/bin/../bin/ls': { link: '/usr/bin/ls' },
    }),
    ['/usr/bin', '/bin'],
  );
  it.each([
    ['/usr/bin/ls', 'ls'],
    ['/bin/ls', 'ls'],
    ['/usr/bin/awk', 'awk'],
    ['/usr/bin/mawk', 'mawk'],
    ['/usr/bin/../bin/ls', undefined],
    ['/usr/bin//ls', undefined],
    ['/tmp/ls', undefined],
    ['./ls', undefined],
    ['/usr/bin/', undefined],
  ])('%s stands for %s', (path, name) => {
    expect(resolver.nameOf(path)).toBe(name);
  });
});

it('finds the programs of this machine, and follows links as the kernel does', () => {
  const files = createSystemFacts();
  expect(createResolver(files).resolve('ls').kind).toBe('found');
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, 'real/inner'), { recursive: true });
  symlinkSync('real/inner', join(folder.path, 'link'));
  writeFileSync(join(folder.path, 'real/file'), '');
  chmodSync(join(folder.path, 'real/file'), 0o600);
  expect(files.realpath(join(folder.path, 'link/../file'))).toBeUndefined();
  expect(files.realpath(`${folder.path}/link/../file`)).toBe(files.realpath(join(folder.path, 'real/file')));
  expect(files.isLink(join(folder.path, 'link'))).toBe(true);
  expect(files.stat(join(folder.path, 'nothing'))).toBeUndefined();
});
