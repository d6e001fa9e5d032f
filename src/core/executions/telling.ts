import type { OperationContext } from '../operation.ts';

/** Between two messages: a call that is over sooner tells nothing. */
const EVERY_MS = 1000;

export type Tell = (message: string) => void;

/** For a caller who listens; undefined for one who does not, so that nothing is looked up for nobody. */
export const tellOf = (context: Pick<OperationContext, 'progress' | 'wantsProgress'>): Tell | undefined =>
  context.wantsProgress === true ? (message) => context.progress(message) : undefined;

/** Until it is disposed of, tells about once a second how things are. What cannot be described just now is left out. */
export const telling = (tell: Tell | undefined, describe: () => Promise<string>): Disposable => {
  if (tell === undefined) return { [Symbol.dispose]: () => undefined };
  let stopped = false;
  let busy = false;
  const say = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      const message = await describe();
      if (!stopped) tell(message);
    } catch {
      // Its log may be gone, or its sandbox: the answer of the call says so.
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void say(), EVERY_MS);
  return {
    [Symbol.dispose]: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
};
