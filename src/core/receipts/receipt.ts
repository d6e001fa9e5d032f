import type { IsolationFacts, Metrics, SandboxSpec, Usage } from '../../ports/sandbox.ts';
import type { ExecutionRecord, SandboxRecord } from '../../ports/store.ts';
import { durationOf, outcomeView } from '../executions/view.ts';
import { CLASS_OF } from '../sandboxes/kept-by.ts';
import { readNotes, type ReceiptNotes } from './notes.ts';

/** What an execution did, used and left behind, as every face shows it. Fields of which nothing is known are absent. */
export type Receipt = Readonly<Record<string, unknown>> & { readonly execution_id: string; readonly status: ExecutionRecord['status'] };

export interface ReceiptParts {
  readonly record: ExecutionRecord;
  readonly sandbox: SandboxRecord | undefined;
  /** While it runs. */
  readonly metrics?: Metrics | undefined;
  readonly stdout: StreamReceipt;
  readonly stderr: StreamReceipt;
}

export interface StreamReceipt {
  readonly bytes: number;
  readonly lines?: number | undefined;
  /** Of all that is kept, in hex; absent while it grows. */
  readonly sha256?: string | undefined;
}

/** What the record of a sandbox keeps beside its specification. */
export type KeptSpec = Partial<SandboxSpec> & { readonly isolation?: IsolationFacts | undefined };

const ms = (us: number): number => Math.round(us / 100) / 10;

const usageView = (usage: Usage) => ({
  cpu_user_ms: ms(usage.userUs),
  cpu_system_ms: ms(usage.systemUs),
  peak_rss_bytes: usage.maxRssBytes,
  ...(usage.readBytes !== undefined && { read_bytes: usage.readBytes }),
  ...(usage.writtenBytes !== undefined && { written_bytes: usage.writtenBytes }),
  ...(usage.voluntarySwitches !== undefined && { voluntary_switches: usage.voluntarySwitches }),
  ...(usage.involuntarySwitches !== undefined && { involuntary_switches: usage.involuntarySwitches }),
  ...(usage.peakProcesses !== undefined && usage.peakProcesses > 0 && { peak_processes: usage.peakProcesses }),
});

export const metricsView = (metrics: Metrics) => ({
  source: metrics.source,
  cpu_user_ms: ms(metrics.userUs),
  cpu_system_ms: ms(metrics.systemUs),
  rss_bytes: metrics.rssBytes,
  peak_rss_bytes: metrics.peakRssBytes,
  read_bytes: metrics.readBytes,
  written_bytes: metrics.writtenBytes,
  voluntary_switches: metrics.voluntarySwitches,
  involuntary_switches: metrics.involuntarySwitches,
  processes: metrics.processes,
  peak_processes: metrics.peakProcesses,
  ...(metrics.ports.length > 0 && { ports: metrics.ports }),
});

const filesView = ({ files }: ReceiptNotes) =>
  files && {
    ...(files.created.length > 0 && { created: files.created }),
    ...(files.changed.length > 0 && { changed: files.changed }),
    ...(files.removed.length > 0 && { removed: files.removed }),
    ...(files.more > 0 && { more: files.more }),
    complete: files.complete,
    ...(files.why !== undefined && files.why !== '' && { why: files.why }),
  };

const ruleView = ({ rule }: ReceiptNotes) =>
  rule === undefined
    ? 'no rules in force'
    : { verdict: rule.verdict, rule: rule.rule, reason: rule.reason, ...(rule.file !== undefined && { file: rule.file }) };

const isolationView = (facts: IsolationFacts | undefined) =>
  facts === undefined
    ? { measured: false }
    : {
        measured: true,
        namespaces: facts.namespaces,
        ...(facts.uid !== undefined && { uid: facts.uid }),
        capabilities: facts.capabilities,
        no_new_privileges: facts.noNewPrivileges,
        seccomp: facts.seccomp,
      };

const sandboxView = (sandbox: SandboxRecord | undefined, spec: KeptSpec) =>
  sandbox && { driver: sandbox.driver, network: sandbox.network, isolation: isolationView(spec.isolation) };

const limitsView = ({ limits }: ReceiptNotes, { limits: shared = {}, isolation: facts }: KeptSpec) => ({
  ...(facts !== undefined && { class: CLASS_OF[facts.group ?? 'proc'], kept_by: facts.group ?? 'rlimits' }),
  ...(limits?.timeoutMs !== undefined && { timeout_ms: limits.timeoutMs }),
  ...(limits?.outputBytes !== undefined && { output_bytes: limits.outputBytes }),
  ...(shared.memoryBytes !== undefined && { memory_bytes: shared.memoryBytes }),
  ...(shared.processes !== undefined && { processes: shared.processes }),
  ...(shared.fileBytes !== undefined && { file_bytes: shared.fileBytes }),
  ...(shared.diskBytes !== undefined && { disk_bytes: shared.diskBytes }),
  ...(shared.cpus !== undefined && { cpus: shared.cpus }),
  ...(shared.cpuSeconds !== undefined && { cpu_seconds: shared.cpuSeconds }),
  ...(shared.openFiles !== undefined && { open_files: shared.openFiles }),
});

const specOf = (sandbox: SandboxRecord | undefined): KeptSpec => {
  try {
    return JSON.parse(sandbox?.spec ?? '{}') as KeptSpec;
  } catch {
    return {};
  }
};

export const assembleReceipt = ({ record, sandbox, metrics, stdout, stderr }: ReceiptParts): Receipt => {
  const notes = readNotes(record.receipt);
  const spec = specOf(sandbox);
  const { duration_ms: durationMs } = durationOf(record);
  return {
    execution_id: record.id,
    sandbox_id: record.sandbox,
    status: record.status,
    command: record.title,
    ...(record.cwd !== '' && { cwd: record.cwd }),
    caller: record.caller,
    ...(record.labels !== '{}' && { labels: JSON.parse(record.labels) as Record<string, string> }),
    started: new Date(record.startedMs).toISOString(),
    ...(record.status === 'finished' &&
      record.durationMs !== undefined && { ended: new Date(record.startedMs + record.durationMs).toISOString() }),
    ...(durationMs !== undefined && { duration_ms: durationMs }),
    ...(record.outcome !== undefined && { outcome: outcomeView(record.outcome) }),
    ...(record.message !== undefined && { message: record.message }),
    ...(record.usage !== undefined && { usage: usageView(record.usage) }),
    ...(metrics !== undefined && { now: metricsView(metrics) }),
    ...((record.background ?? 0) > 0 && { background: record.background }),
    files: filesView(notes),
    ...(notes.ports !== undefined && { ports: notes.ports }),
    output: { stdout, stderr },
    rule: ruleView(notes),
    ...sandboxView(sandbox, spec),
    limits: limitsView(notes, spec),
  };
};
