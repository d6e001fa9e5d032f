import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { grownDescriptors, leftFolders, leftProcesses, openDescriptors, type Territory } from './leaks.ts';

/**
 * Fails a test file that leaves processes, folders or descriptors behind. Each file has a temporary folder and a mark of its own, so files that
 * run at once know nothing of each other.
 */

/** What ends just now gets this time. */
const PATIENCE_MS = 5_000;
/** The runner opens some by itself. */
const MORE_DESCRIPTORS = 32;

const name = randomUUID();
const outer = tmpdir();
const folder = mkdtempSync(join(outer, 'test-'));
// Private uids have to pass.
chmodSync(folder, 0o755);
process.env['TMPDIR'] = folder;
process.env['TEST_FILE_MARK'] = name;

const territory: Territory = { pid: process.pid, mark: `TEST_FILE_MARK=${name}`, folder };
const before = openDescriptors();

const leaks = (): readonly string[] => [
  ...leftProcesses(territory),
  ...leftFolders(territory),
  ...grownDescriptors(before, MORE_DESCRIPTORS),
];

// Registered first, so it runs after every other.
afterAll(async () => {
  const until = performance.now() + PATIENCE_MS;
  let found = leaks();
  for (; found.length > 0 && performance.now() < until; found = leaks()) await sleep(50);
  process.env['TMPDIR'] = outer;
  rmSync(folder, { recursive: true, force: true });
  if (found.length > 0) throw new Error(`This test file left something behind:\n${found.join('\n')}`);
}, 2 * PATIENCE_MS);
