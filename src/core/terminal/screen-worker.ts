import { type MessagePort, parentPort } from 'node:worker_threads';
import { createEmulators, type Emulators } from './emulators.ts';
import type { ScreenJob, ScreenReply } from './protocol.ts';

/** The thread of the screens: drawing takes time in proportion to what is printed, and the event loop has none to spare. */

const draw = async (emulators: Emulators, job: ScreenJob): Promise<ScreenReply> => {
  try {
    return { id: job.id, ...(await emulators.draw(job)) };
  } catch (error) {
    return { id: job.id, failed: error instanceof Error ? error.message : String(error) };
  }
};

const serve = (port: MessagePort): void => {
  const emulators = createEmulators();
  let last = Promise.resolve();
  // One after the other: what is drawn has an order.
  port.on('message', (job: ScreenJob) => {
    last = last.then(async () => port.postMessage(await draw(emulators, job)));
  });
};

if (parentPort === null) throw new Error('This program is the thread of the screens of Corral; it is not started by itself.');
serve(parentPort);
