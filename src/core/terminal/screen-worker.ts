import { parentPort } from 'node:worker_threads';
import { createEmulators } from './emulators.ts';
import type { ScreenJob, ScreenReply } from './protocol.ts';

/** The thread of the screens: drawing takes time in proportion to what is printed, and the event loop has none to spare. */

if (parentPort === null) throw new Error('This program is the thread of the screens of Corral; it is not started by itself.');
const port = parentPort;
const emulators = createEmulators();
let last = Promise.resolve();

const serve = async (job: ScreenJob): Promise<ScreenReply> => {
  try {
    return { id: job.id, ...(await emulators.draw(job)) };
  } catch (error) {
    return { id: job.id, failed: error instanceof Error ? error.message : String(error) };
  }
};

// One after the other: what is drawn has an order.
port.on('message', (job: ScreenJob) => {
  last = last.then(async () => port.postMessage(await serve(job)));
});
