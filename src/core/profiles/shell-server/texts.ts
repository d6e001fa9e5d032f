import type { OperationOutcome, Presented } from '../../operation.ts';

/** Every failure of the original looks like this. */
export const failed = (message: string): Presented => ({ blocks: [`Error executing command: ${message}`], isError: true });

/** The output of an operation is the blocks that its clients see. */
export const presentBlocks = (outcome: OperationOutcome): Presented =>
  'error' in outcome ? failed(outcome.error.message) : { blocks: outcome.output['blocks'] as readonly string[], isError: false };
