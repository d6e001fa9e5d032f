import type { OperationOutcome, Presented } from '../../operation.ts';
import { CorralError } from '../../../ports/errors.ts';

export const BLACKLISTED = 'Error: This command has been blacklisted';

/** What the original raises as an exception: the one kind of answer that is an error to the protocol. */
export const exception = (message: string): CorralError => new CorralError('invalid_input', message);

/** As Python says it. */
export const noSuchFile = (path: string): string => `[Errno 2] No such file or directory: '${path}'`;

/** Every tool answers text; what Corral itself cannot do is an error with its hint. */
export const presentText = (outcome: OperationOutcome): Presented => {
  if ('output' in outcome) return { blocks: [String(outcome.output['text'])], isError: false };
  const { code, message, hint } = outcome.error;
  return { blocks: [code === 'invalid_input' ? message : `${message} ${hint}`], isError: true };
};

/** Seconds as the original shows them. */
export const seconds = (ms: number, digits: number): string => (Math.max(0, ms) / 1000).toFixed(digits);

const two = (value: number): string => String(value).padStart(2, '0');

/** HH:MM:SS in the local time of the server. */
export const clock = (ms: number): string => {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
};
