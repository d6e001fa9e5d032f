/** Something to put into the staging folder, reachable for a private uid. */
export interface StagedSource {
  readonly source: string;
  readonly name: string;
  /** STAGE_FLAG values. */
  readonly flags: number;
}

export interface LaunchOptions {
  readonly sandbox: string;
  readonly socketPath: string;
  readonly logFolder: string;
  readonly journalPath: string;
  readonly bootLogPath: string;
  readonly configuration: Uint8Array;
  /** Undefined = the launcher's own. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** `cgroup.procs` files to write the pid into. */
  readonly cgroups: readonly string[];
  /** Files of those groups that the supervisor reads, in the order of the protocol; empty text = there is none. */
  readonly figures?: readonly string[];
  /** A folder that the program can reach; it is hidden by a mount in the program's own mount namespace. Empty when nothing is staged. */
  readonly stagingFolder: string;
  readonly staged: readonly StagedSource[];
  readonly argv: readonly string[];
  /** "K=V" */
  readonly env: readonly string[];
  /** Blobs for descriptors 10, 11, ... */
  readonly data: readonly Uint8Array[];
}

export interface Launched {
  readonly pid: number;
  /** What the program wrote to its info descriptor, once it closed it. Rejects when the launcher died before. */
  readonly info: Promise<string>;
  /** Wait status of the program's end. Rejects when the launcher died before. */
  readonly ended: Promise<number>;
}
