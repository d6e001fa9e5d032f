/**
 * The stdio face over the fakes, as a program. FAKE_CLOSE: how its owner's shutdown behaves. FAKE_TRACE: a file that learns which process
 * started and which opened its services.
 */
import { appendFileSync } from 'node:fs';
import { serveMcpStdio } from '../../../../src/faces/mcp/serve-stdio.ts';
import { createFakes } from './fake-operations.ts';

const trace = (event: string): void => {
  const file = process.env['FAKE_TRACE'];
  if (file !== undefined) appendFileSync(file, `${event} ${process.pid}\n`);
};

const { factory, log } = createFakes({}, () => {
  trace('ready');
  return Promise.resolve();
});
trace('started');

serveMcpStdio({
  factory,
  onError: (error) => process.stderr.write(`error: ${error.message}\n`),
  onClose: (reason) => {
    process.stderr.write(`closing: ${reason}; aborted ${String(log.aborted)}\n`);
    if (process.env['FAKE_CLOSE'] === 'fails') return Promise.reject(new Error('cannot close'));
    if (process.env['FAKE_CLOSE'] === 'hangs') return new Promise(() => setInterval(() => undefined, 1000));
    return Promise.resolve();
  },
});
