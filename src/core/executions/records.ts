import type { Exit, SandboxExecution } from '../../ports/sandbox.ts';
import type { ExecutionRecord, RecordedOutput } from '../../ports/store.ts';
import { checkedNotes, notesAtEnd } from '../receipts/notes.ts';

/** Output that nobody else keeps: it goes with the record. Undefined when there are files, or when nothing was printed. */
export const unfiledOutput = (exit: Exit | undefined): RecordedOutput | undefined =>
  exit?.unfiled === true && exit.stdout.bytes + exit.stderr.bytes > 0 ? exit.inline : undefined;

/** What of an exit goes into the record; `receipt` is the record's so far. */
export const ending = (exit: Exit, receipt: string | undefined): Partial<Omit<ExecutionRecord, 'id'>> => ({
  status: 'finished',
  receipt: notesAtEnd(receipt, exit),
  outcome: exit.outcome,
  step: exit.step,
  durationMs: exit.durationMs,
  usage: exit.usage,
  stdout: exit.stdout,
  stderr: exit.stderr,
  background: exit.background,
  ...(exit.message !== undefined && exit.message !== '' && { message: exit.message }),
});

/** Of the operation's own notes; what is longer stays in the store alone. */
const META_BYTES = 8192;
/** What a sandbox keeps of one execution. */
const ALL_BYTES = 16 * 1024;

/** The part of a record that travels with the execution, so that another server can write the record anew. At most 16 KiB. */
export const metaOf = (record: ExecutionRecord): string => {
  const { title, cwd, labels, caller, meta, receipt } = record;
  const needed = { title: title.slice(0, 500), cwd, labels, caller };
  const whole = JSON.stringify({ ...needed, meta: meta.length > META_BYTES ? '{}' : meta, receipt });
  return Buffer.byteLength(whole) <= ALL_BYTES ? whole : JSON.stringify({ ...needed, meta: '{}' });
};

/** The inverse. What a sandbox says is not trusted: anything but strings of sane length is dropped. */
export const recordFromMeta = (sandbox: string, found: SandboxExecution): ExecutionRecord => {
  let value: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(found.meta);
    if (typeof parsed === 'object' && parsed !== null) value = parsed as Record<string, unknown>;
  } catch {
    // An unreadable note loses the title, not the execution.
  }
  const text = (key: string, fallback: string): string => {
    const field = value[key];
    return typeof field === 'string' && field.length <= 8192 ? field : fallback;
  };
  const json = (key: string): string => {
    const field = text(key, '{}');
    try {
      const parsed: unknown = JSON.parse(field);
      return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? field : '{}';
    } catch {
      return '{}';
    }
  };
  return {
    id: found.execution,
    sandbox,
    status: 'running',
    steps: '[]',
    title: text('title', '(unknown)'),
    cwd: text('cwd', ''),
    labels: json('labels'),
    meta: json('meta'),
    caller: text('caller', 'unknown'),
    startedMs: found.startedMs,
    pid: found.pid,
    ...(typeof value['receipt'] === 'string' && { receipt: checkedNotes(text('receipt', '{}')) }),
  };
};
