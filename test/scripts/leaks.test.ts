import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { grownDescriptors, leftFolders, leftProcesses, openDescriptors } from '../support/leaks.ts';
import { eventually } from '../support/sandboxes.ts';

const territory = () => {
  const folder = mkdtempSync(join(tmpdir(), 'planted-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { pid: 2 ** 22 + 1, mark: `PLANTED=${randomUUID()}`, folder };
};

/** Starts a program that lives until the test has ended. */
const plant = (env: Record<string, string>, cwd: string, seconds: string) => {
  const child = spawn('sleep', [seconds], { stdio: 'ignore', cwd, env: { PATH: '/usr/bin:/bin', ...env } });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  return child;
};

test('a process is found by its mark, by what it holds, and as a descendant; another file finds none of them', async () => {
  const here = territory();
  const [name = '', value = ''] = here.mark.split('=');
  const marked = plant({ [name]: value }, '/', '71');
  const holding = plant({}, here.folder, '72');
  const children = [marked.pid, holding.pid].map((pid) => `process ${String(pid)} (S): sleep`);
  mkdirSync(join(here.folder, 'inner'));
  const inner = plant({}, join(here.folder, 'inner'), '73');
  await eventually(() => leftProcesses(here).length === 3, 'three processes');
  expect(leftProcesses(here).map((line) => line.replace(/ \d+$/, ''))).toEqual(
    expect.arrayContaining([...children, `process ${String(inner.pid)} (S): sleep`]),
  );
  expect(leftProcesses(territory())).toEqual([]);
  const asParent = { ...territory(), pid: process.pid };
  await eventually(
    () => [71, 72, 73].every((seconds) => leftProcesses(asParent).some((line) => line.endsWith(`sleep ${String(seconds)}`))),
    'children',
  );
  holding.kill('SIGKILL');
  await eventually(() => leftProcesses(here).length === 2, 'the end of one');
});

test('folders of Corral are found, others and those of others are not', () => {
  const here = territory();
  mkdirSync(join(here.folder, 'corral-state-1'));
  mkdirSync(join(here.folder, 'something'));
  writeFileSync(join(here.folder, 'corral-file'), '');
  expect([...leftFolders(here)].sort()).toEqual([
    `file ${join(here.folder, 'corral-file')}`,
    `folder ${join(here.folder, 'corral-state-1')}`,
  ]);
  expect(leftFolders(territory())).toEqual([]);
});

test('descriptors beyond a bound are named', () => {
  const before = openDescriptors();
  const opened = Array.from({ length: 5 }, () => openSync('/etc/hostname', 'r'));
  onTestFinished(() => opened.forEach((fd) => closeSync(fd)));
  expect(grownDescriptors(before, 5)).toEqual([]);
  expect(grownDescriptors(before, 4).filter((line) => line.endsWith(': /etc/hostname'))).toHaveLength(5);
});
