import { constants } from 'node:os';
import type { Outcome } from '../../ports/sandbox.ts';
import { EXIT } from './exit-codes.ts';

const SIGKILL = 9;

const signalNumber = (name: string | undefined): number => constants.signals[name as NodeJS.Signals] ?? SIGKILL;

/** The exit code with which `corral run` tells how its program ended. */
export const exitCodeOf = (outcome: Outcome, received?: NodeJS.Signals): number => {
  switch (outcome.kind) {
    case 'exited':
      return outcome.code ?? EXIT.failure;
    case 'signalled':
      return EXIT.signalBase + signalNumber(outcome.signal);
    case 'cancelled':
      return EXIT.signalBase + signalNumber(received ?? outcome.signal ?? 'SIGTERM');
    case 'timed_out':
      return EXIT.timedOut;
    case 'output_limit':
    case 'memory_limit':
    case 'disk_limit':
    case 'cpu_limit':
    case 'process_limit':
    case 'file_size_limit':
      return EXIT.signalBase + SIGKILL;
    case 'failed_to_start':
    case 'lost':
      return EXIT.notRun;
  }
};

/** `exited 0`, `SIGKILL`, `timed out` */
export const outcomeWords = (outcome: {
  readonly kind: string;
  readonly code?: number | undefined;
  readonly signal?: string | undefined;
}): string => {
  if (outcome.kind === 'exited') return `exited ${outcome.code ?? '?'}`;
  if (outcome.kind === 'signalled') return outcome.signal ?? 'signalled';
  return outcome.kind.replaceAll('_', ' ');
};
