import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxLimits } from '../../../ports/sandbox.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from './protocol.ts';
import { readSmallFile } from './secrets.ts';

/**
 * How the supervisor is held: alone in namespaces of its own (`isolated`), on the host's files but first process of a pid namespace
 * (`pid-namespace`), or a plain process that adopts its orphans (`plain`).
 */
export const FORMS = ['isolated', 'pid-namespace', 'plain'] as const;
export type Form = (typeof FORMS)[number];

/** Everything that finds a sandbox again and proves that it is the same one. Contains no secret. */
export type SupervisedHandle = {
  readonly version: 1;
  /** Version that its supervisor speaks; absent = 1. */
  readonly protocol?: number;
  readonly form: Form;
  /** As seen by the server. Its end is the end of everything inside, unless the form is `plain`. */
  readonly supervisor: ProcessIdentity;
  /** The program that was launched; bubblewrap stays as the parent of the supervisor. */
  readonly launched: ProcessIdentity;
  /** Inode of the supervisor's pid namespace. */
  readonly pidNamespace?: number;
  /** Folders of its control group; absent = it has none. */
  readonly groups?: readonly string[];
  /** When its lifetime ends; 0 = never. */
  readonly deadlineMs: number;
  readonly roots: readonly string[];
  readonly limits: SandboxLimits;
  /** Added to the environment of every execution. */
  readonly environment: Readonly<Record<string, string>>;
};

export const HANDLE_NAME = 'handle.json';
const MAX_BYTES = 256 * 1024;
const GROUP_FOLDER = /^\/.*\/corral\/[0-9a-f]{8}\.[a-z0-9-]{1,64}$/;

export const writeHandle = async (folder: string, handle: SupervisedHandle): Promise<void> => {
  const path = join(folder, HANDLE_NAME);
  await writeFile(`${path}.tmp`, JSON.stringify(handle), { mode: 0o600, flag: 'w' });
  await rename(`${path}.tmp`, path);
};

const isIdentity = (value: unknown): value is ProcessIdentity => {
  const { pid, startTicks } = (value ?? {}) as Partial<ProcessIdentity>;
  return Number.isSafeInteger(pid) && pid! > 1 && Number.isSafeInteger(startTicks);
};

/** A version that this server understands. */
const speaks = (version: unknown): boolean =>
  Number.isInteger(version) && (version as number) >= OLDEST_PROTOCOL_VERSION && (version as number) <= PROTOCOL_VERSION;

export const protocolOf = (handle: Pick<SupervisedHandle, 'protocol'>): number => handle.protocol ?? OLDEST_PROTOCOL_VERSION;

const isGroups = (value: unknown): boolean =>
  Array.isArray(value) && value.every((folder) => typeof folder === 'string' && GROUP_FOLDER.test(folder) && !folder.includes('..'));

const isHandle = (value: unknown): value is SupervisedHandle => {
  const handle = (value ?? {}) as Partial<SupervisedHandle>;
  return (
    handle.version === 1 &&
    speaks(protocolOf(handle)) &&
    FORMS.includes(handle.form!) &&
    isIdentity(handle.supervisor) &&
    isIdentity(handle.launched) &&
    Array.isArray(handle.roots) &&
    (handle.groups === undefined || isGroups(handle.groups)) &&
    typeof handle.limits === 'object' &&
    typeof handle.environment === 'object'
  );
};

/** Undefined when none was written: the server died while it made the sandbox. */
export const readHandle = async (folder: string): Promise<SupervisedHandle | undefined> => {
  const bytes = await readSmallFile(join(folder, HANDLE_NAME), MAX_BYTES);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isHandle(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};
