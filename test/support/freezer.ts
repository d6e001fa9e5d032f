import { accessSync, constants, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newId } from './sandboxes.ts';

const FREEZER = '/sys/fs/cgroup/freezer';

export const canFreeze = (): boolean => {
  try {
    accessSync(join(FREEZER, 'cgroup.procs'), constants.W_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
};

/** Puts processes into a wait that no signal ends, SIGKILL included, until it is disposed or thawed. */
export const freeze = (pids: readonly number[]): Disposable & { thaw(): void } => {
  const group = join(FREEZER, `corral-test-${newId()}`);
  mkdirSync(group);
  for (const pid of pids) writeFileSync(join(group, 'cgroup.procs'), String(pid));
  const set = (state: string): void => writeFileSync(join(group, 'freezer.state'), state);
  set('FROZEN');
  return {
    thaw: () => set('THAWED'),
    [Symbol.dispose]: () => {
      set('THAWED');
      for (let tries = 0; tries < 100; tries += 1) {
        try {
          rmdirSync(group);
          return;
        } catch {
          // A dying process is in it for a moment yet.
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
        }
      }
    },
  };
};
