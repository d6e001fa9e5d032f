import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';
import type { SandboxRecord } from '../../ports/store.ts';
import { defineOperation, type Operation } from '../operation.ts';
import { keptBy } from './kept-by.ts';
import type { Sandboxes } from './types.ts';

const MIB = 1024 * 1024;

const view = (record: SandboxRecord): Record<string, unknown> => ({
  sandbox_id: record.id,
  driver: record.driver,
  state: record.state,
  network: record.network,
  workdir: record.workdir,
  created: new Date(record.createdMs).toISOString(),
  ...(record.endedMs !== undefined && { ended: new Date(record.endedMs).toISOString() }),
  ...(record.reason !== undefined && { reason: record.reason }),
});

export const sandboxOperations = (sandboxes: Sandboxes): readonly Operation[] => {
  const act = defineOperation({
    name: 'sandbox.act',
    tool: 'sandbox',
    title: 'Sandboxes',
    description:
      'create a further sandbox (own processes, /tmp, loopback; private: true gives an own empty workspace), list, inspect (processes, memory, limits) or delete one with all that runs in it. ' +
      'Not needed for ordinary work.',
    effect: 'execute',
    hints: { destructive: true, idempotent: false, openWorld: false },
    input: z.strictObject({
      action: z.enum(['create', 'list', 'inspect', 'delete']),
      sandbox: z.string().min(1).max(64).optional(),
      driver: z.enum(['bubblewrap', 'host']).optional(),
      network: z.enum(['none', 'host']).optional(),
      private: z.boolean().optional(),
      env: z.record(z.string().regex(/^[^=\0]+$/), z.string()).optional(),
      limits: z
        .strictObject({
          memory_bytes: z
            .int()
            .min(16 * MIB)
            .optional(),
          processes: z.int().min(4).optional(),
          file_bytes: z.int().min(1).optional(),
          cpu_seconds: z.int().min(1).optional(),
          open_files: z.int().min(16).optional(),
          cpus: z.number().positive().optional(),
          disk_bytes: z.int().min(1).optional(),
        })
        .optional(),
      lifetime_seconds: z.int().min(1).optional(),
      all: z.boolean().optional().describe('list: ended too.'),
    }),
    output: z.looseObject({}),
    subject: ({ action, driver, network, env }) => ({
      effect: action === 'list' || action === 'inspect' ? 'read' : 'execute',
      env,
      sandbox: { driver, network },
    }),
    limited: ({ action }) => action === 'create',
    run: async (input, context) => {
      if (input.action === 'list') {
        const records = await sandboxes.records();
        const shown = input.all === true ? records : records.filter((record) => record.state === 'running' || record.state === 'creating');
        return { sandboxes: shown.slice(0, 200).map(view) };
      }
      if (input.action === 'create') {
        const live = await sandboxes.create(
          {
            driver: input.driver,
            network: input.network,
            env: input.env,
            private: input.private,
            lifetimeMs: input.lifetime_seconds === undefined ? undefined : input.lifetime_seconds * 1000,
            limits:
              input.limits === undefined
                ? undefined
                : {
                    memoryBytes: input.limits.memory_bytes,
                    processes: input.limits.processes,
                    fileBytes: input.limits.file_bytes,
                    cpuSeconds: input.limits.cpu_seconds,
                    openFiles: input.limits.open_files,
                    cpus: input.limits.cpus,
                    diskBytes: input.limits.disk_bytes,
                  },
          },
          context.signal,
        );
        return view(live.record);
      }
      const id = input.sandbox;
      if (id === undefined)
        throw new CorralError('invalid_input', `sandbox ${input.action}: give sandbox.`, { hint: 'Action "list" shows their names.' });
      if (input.action === 'delete') {
        await sandboxes.end(id, 2000, 'it was deleted');
        return { sandbox_id: id, state: 'ended' };
      }
      const live = await sandboxes.get(id, context.signal);
      const stats = await live.sandbox.stats();
      return {
        ...view(live.record),
        processes: stats.processes,
        memory_bytes: stats.rssBytes,
        running: stats.running,
        uptime_ms: stats.uptimeMs,
        output_bytes: stats.logBytes,
        limits: live.spec.limits,
        limits_kept_by: keptBy(live),
        workspaces: live.spec.workspaces.map((mount) => mount.target),
        mounts: live.spec.mounts.map((mount) => mount.target),
      };
    },
  });
  return [act];
};
