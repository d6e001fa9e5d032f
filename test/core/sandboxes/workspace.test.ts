import { mkdirSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { resolveWorkspace } from '../../../src/core/sandboxes/workspace.ts';
import { temporaryState } from '../../support/sandboxes.ts';

const folder = (): string => {
  const state = temporaryState();
  onTestFinished(() => state[Symbol.dispose]());
  return state.path;
};

test('a project folder is taken at its real path, odd names and all', () => {
  const root = folder();
  const odd = join(root, 'ü ñ\n日本');
  mkdirSync(odd);
  symlinkSync(odd, join(root, 'link'));
  expect(resolveWorkspace(join(root, 'link'), '/nowhere/state')).toBe(odd);
});

test.each(['/', '/etc', '/etc/ssl', '/usr/bin', '/usr/lib', '/dev/shm', '/proc/self', homedir(), dirname(homedir())])(
  '%s is refused',
  (system) => {
    expect(() => resolveWorkspace(system, '/nowhere/state')).toThrow(/system folder or a whole home/);
  },
);

test.each([
  ['is the state folder', 'state', 'state'],
  ['holds the state folder', '', 'state'],
  ['lies in the state folder', 'state/work', 'state'],
  ['lies in the state folder, which is reached by a link', 'state/work', 'link'],
  ['is where the state folder will be, behind a link', 'state', 'link/to/come'],
])('one that %s is refused', (_what, workspace, state) => {
  const root = folder();
  mkdirSync(join(root, 'state', 'work'), { recursive: true });
  symlinkSync(join(root, 'state'), join(root, 'link'));
  expect(() => resolveWorkspace(join(root, workspace), join(root, state))).toThrow(/lie within each other/);
});
