import { CorralError } from '../../../ports/errors.ts';
import type { Capabilities, SandboxDriver, SandboxExecution } from '../../../ports/sandbox.ts';
import { isCancelled } from '../supervisor/cancellation.ts';
import { requireCapabilities } from '../supervisor/requirements.ts';
import { createMemorySandbox } from './sandbox.ts';
import type { MemorySandbox } from './sandbox.ts';

export interface MemoryDriver extends SandboxDriver {
  /** Ends a sandbox as if somebody had killed it from outside. */
  kill(id: string): void;
}

/** Its programs own no process, memory or file outside the sandbox's own tree, so that every limit holds, and there is nothing to isolate. */
const CAPABILITIES: Capabilities = {
  isolation: 'none',
  network: ['none'],
  limits: ['memoryBytes', 'processes', 'fileBytes', 'cpuSeconds', 'openFiles'],
  kept: [],
  support: { class: 'C', source: 'proc', why: 'its programs are scripts of this process' },
  pty: false,
  survivesServer: false,
};

/**
 * Sandboxes without processes: scripted programs (`programs.ts`), files in memory, real log files. For tests of everything above the port
 * and for proving the contract. `open` finds again what this driver object made; nothing outlives the server.
 */
export const createMemoryDriver = (): MemoryDriver => {
  const alive = new Map<string, MemorySandbox>();
  const recalled = new Map<string, readonly SandboxExecution[]>();

  return {
    name: 'memory',
    probe: async () => ({ available: true, version: 'memory', capabilities: CAPABILITIES }),
    create: async (spec, signal) => {
      if (isCancelled(signal)) throw new CorralError('cancelled', 'The call was cancelled; the sandbox was not made.');
      requireCapabilities('memory', spec, CAPABILITIES);
      if (alive.has(spec.id)) throw new CorralError('conflict', `There is a sandbox ${spec.id} already.`);
      const sandbox = createMemorySandbox(spec, () => {
        recalled.set(spec.folder, sandbox.executions());
        alive.delete(spec.id);
      });
      alive.set(spec.id, sandbox);
      return sandbox.connect();
    },
    open: async (id) => alive.get(id)?.connect(),
    recall: async (folder) => recalled.get(folder) ?? [],
    kill: (id) => alive.get(id)?.vanish('It was killed from outside.'),
  };
};
