import { FILE_PROBES } from './probes-files.ts';
import { KERNEL_PROBES } from './probes-kernel.ts';
import { PROCESS_PROBES } from './probes-processes.ts';
import type { EscapeProbe } from './probe.ts';

/** All of them, those that might end the sandbox last. */
export const ESCAPE_PROBES: readonly EscapeProbe[] = [
  ...FILE_PROBES,
  ...KERNEL_PROBES,
  ...PROCESS_PROBES.filter(({ id }) => id !== 'supervisor'),
  ...PROCESS_PROBES.filter(({ id }) => id === 'supervisor'),
];
