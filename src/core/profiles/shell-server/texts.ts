import type { OperationOutcome, Presented } from '../../operation.ts';
import { CorralError } from '../../../ports/errors.ts';

/** A mistake of the caller in the words of the original. */
export const mistake = (message: string): CorralError => new CorralError('invalid_input', message);

/** Every failure of the original looks like this. */
export const failed = (message: string): Presented => ({ blocks: [`Error executing command: ${message}`], isError: true });

/** What a failure has to show besides its message: blocks of output that was printed before. */
const BLOCKS = 'blocks';

export const failureWith = (message: string, blocks: readonly string[]): CorralError =>
  new CorralError('failed_to_start', message, { details: { [BLOCKS]: blocks } });

/** The output of these operations is the blocks that clients see; `tool` stands before what the argument schema has to say. */
export const presentBlocks =
  (tool: string) =>
  (outcome: OperationOutcome): Presented => {
    if ('output' in outcome) return { blocks: outcome.output[BLOCKS] as readonly string[], isError: false };
    const { message, details } = outcome.error;
    const shown = failed(message.startsWith(`${tool}: `) ? message.slice(tool.length + 2) : message);
    return { ...shown, blocks: [...shown.blocks, ...((details[BLOCKS] as readonly string[] | undefined) ?? [])] };
  };

/** `text` in at most `length` characters, the last three dots when something is left out. */
export const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 3)}...` : text);
