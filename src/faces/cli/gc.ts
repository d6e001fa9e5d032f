import type { GcReport } from '../../core/housekeeping/gc.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { openGuest } from './guest.ts';
import { withApp } from './invoke.ts';
import { loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';
import { formatBytes } from './table.ts';

export interface GcOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const rows = (report: GcReport): readonly (readonly [number, string])[] => [
  [report.executions.count, `finished executions over their time or a quota, ${formatBytes(report.executions.bytes)} of output`],
  [report.logs.count, `logs that no record names, ${formatBytes(report.logs.bytes)}`],
  [report.folders.count, `folders of sandboxes that no record names, ${formatBytes(report.folders.bytes)}`],
  [report.sandboxes, 'records of sandboxes that are gone'],
  [report.servers, 'records of servers that died'],
  [report.supervisors, 'sandboxes that lived and that no record names'],
  [report.probes, 'folders of probes'],
  [report.audit_segments ?? 0, 'old segments of the audit log'],
  [report.approvals ?? 0, 'expired approvals'],
];

const text = (report: GcReport): string => {
  const told = rows(report).filter(([count]) => count > 0);
  const lines = told.map(([count, what]) => `${String(count).padStart(6)}  ${what}`);
  const head = told.length === 0 ? 'nothing to remove' : report.dry_run ? 'would remove:' : 'removed:';
  const waiting =
    report.waiting > 0
      ? [
          `left alone: ${String(report.waiting)} living ${report.waiting === 1 ? 'sandbox' : 'sandboxes'} of dead servers, which a server takes over or their lease ends`,
        ]
      : [];
  return `${[head, ...lines, ...waiting].join('\n')}\n`;
};

/** `corral gc`: the whole sweep, now. */
export const runGc = async (context: CliContext, args: ServerArguments, options: GcOptions): Promise<number> => {
  const app = openGuest(context, await loadSettings(context, args), 'client', 'gc');
  const report = await withApp(app, () => app.gc(options.dryRun === true));
  process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : text(report));
  return EXIT.ok;
};
