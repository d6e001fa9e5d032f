import type { DriverName, SandboxDriver } from '../../ports/sandbox.ts';
import type { Config } from '../config/schema.ts';
import type { Toolchains } from '../sandboxes/types.ts';

export interface DoctorDeps {
  readonly version: string;
  readonly config: Config;
  readonly drivers: ReadonlyMap<DriverName, SandboxDriver>;
  readonly toolchains: Toolchains & { readonly skipped?: readonly { readonly path: string; readonly why: string }[] };
  /** The server's own environment; only names of variables leave it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly uid: number;
  /** Opens the records and says what keeps them, such as "node:sqlite 3.46". Throws when they cannot be used. */
  describeStore(signal?: AbortSignal): Promise<string>;
}
