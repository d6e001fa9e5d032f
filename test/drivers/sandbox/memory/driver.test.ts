import { createMemoryDriver } from '../../../../src/drivers/sandbox/memory/driver.ts';
import type { MemoryDriver } from '../../../../src/drivers/sandbox/memory/driver.ts';
import { describeSandboxDriverContract } from '../../../contract/sandbox-driver.ts';

describeSandboxDriverContract('memory', {
  open: async () => ({ driver: createMemoryDriver(), [Symbol.asyncDispose]: async () => {} }),
  spec: {},
  processesWith: () => [],
  kill: async (driver, sandbox) => (driver as MemoryDriver).kill(sandbox.id),
  programs: {
    print: (line) => ['echo', line],
    complain: (line) => ['complain', line],
    exit: (code) => ['exit', String(code)],
    raise: (signal) => ['raise', signal],
    sleep: (ms) => ['sleep', String(ms)],
    cat: () => ['cat'],
    spam: (bytes) => ['spam', String(bytes)],
    printenv: (name) => ['printenv', name],
    pwd: () => ['pwd'],
    stubborn: () => ['stubborn', '60000'],
    leaveBehind: () => ['background', '60000'],
    printLater: (ms, line) => ['background', String(ms), `${line}\n`],
    stayWithChild: () => ['sleep', '60000'],
    listen: (port) => ['listen', String(port)],
    link: (target, path) => ['link', target, path],
  },
});
