import { CorralError } from '../../../ports/errors.ts';

export const isCancelled = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

export const throwIfCancelled = (signal: AbortSignal | undefined, message = 'The call was cancelled.'): void => {
  if (isCancelled(signal)) throw new CorralError('cancelled', message);
};
