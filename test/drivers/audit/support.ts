import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuditLog, type AuditLogOptions } from '../../../src/drivers/audit/audit-log.ts';
import { createAuditTrail } from '../../../src/drivers/audit/trail.ts';
import type { AuditReport, AuditSink } from '../../../src/ports/audit.ts';

export const DAY_MS = 86_400_000;

/** A state folder of its own, gone at the end of the test. */
export const stateFolder = async (): Promise<{ readonly path: string } & AsyncDisposable> => {
  const path = await mkdtemp(join(tmpdir(), 'corral-audit-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

export const openLog = async (stateDir: string, options: Partial<AuditLogOptions> = {}): Promise<AuditSink> => {
  const log = createAuditLog({
    stateDir,
    chain: 'vone',
    retentionMs: 90 * DAY_MS,
    bytes: 256 * 1024 * 1024,
    anchor: false,
    onNotice: () => undefined,
    ...options,
  });
  await log.open();
  return log;
};

/** Records and closes, as a process of its own would. */
export const write = async (stateDir: string, count: number, options: Partial<AuditLogOptions> = {}): Promise<void> => {
  await using log = await openLog(stateDir, options);
  for (let i = 0; i < count; i += 1)
    log.record({ kind: 'decided', caller: 'me', operation: 'command.execute', verdict: 'allow', input: { command: `echo ${i}` } });
};

export const verify = (stateDir: string, keyFile?: string): Promise<AuditReport> =>
  createAuditTrail({ stateDir, ...(keyFile !== undefined && { keyFile }) }).verify(new AbortController().signal);

export const segmentsOf = async (stateDir: string): Promise<readonly string[]> =>
  (await readdir(join(stateDir, 'audit')))
    .filter((name) => name.endsWith('.jsonl'))
    .toSorted()
    .map((name) => join(stateDir, 'audit', name));

export const linesOf = async (path: string): Promise<string[]> => (await readFile(path, 'utf8')).split('\n').slice(0, -1);
export const writeLines = (path: string, lines: readonly string[]): Promise<void> =>
  writeFile(path, lines.map((line) => `${line}\n`).join(''));
