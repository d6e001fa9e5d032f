/** A supervisor of this state folder that lives, whether or not anybody remembers its sandbox. */
export interface LivingSupervisor {
  readonly sandbox: string;
  /** Its processes. */
  readonly pids: readonly number[];
}

/** Output of one execution that lies in a sandbox's folder. */
export interface KeptLog {
  readonly execution: string;
  readonly bytes: number;
}

/** What lies about in a state folder and runs for it, found without the records. */
export interface Leftovers {
  /** Names of the folders that sandboxes have. */
  folders(): Promise<readonly string[]>;
  logs(sandbox: string): Promise<readonly KeptLog[]>;
  /** Bytes in a sandbox's folder. */
  size(sandbox: string): Promise<number>;
  /** Resolves to the bytes that were in it. */
  removeFolder(sandbox: string): Promise<number>;
  supervisors(): Promise<readonly LivingSupervisor[]>;
  /** SIGKILL to each process of it that is still what it was; resolves when they are gone. */
  end(supervisor: LivingSupervisor): Promise<void>;
  /** Folders of proofs that a machine can run sandboxes, left by somebody who was killed meanwhile. */
  removeProbes(dryRun: boolean): Promise<number>;
}
