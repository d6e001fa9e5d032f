import type { LiveSandbox } from '../sandboxes/types.ts';

/** A folder inside for files of one execution; whoever uses it has it removed with the execution. On the host /tmp is everybody's. */
export const scratchFolder = ({ record, spec }: LiveSandbox, execution: string): string =>
  record.driver === 'host' ? `${spec.folder}/work/.corral/${execution}` : `/tmp/corral/${execution}`;
