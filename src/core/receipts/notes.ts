import * as z from 'zod/v4';
import { type Exit, type FileChanges, MAX_LISTED_CHANGES } from '../../ports/sandbox.ts';
import type { Decision } from '../policy/types.ts';

/** What a receipt says that no other field of the record holds. Kept as JSON: at the start the rule and the limits, at the end what was seen. */
export interface ReceiptNotes {
  readonly rule?: RuleNote | undefined;
  readonly limits?: LimitNotes | undefined;
  readonly ports?: readonly number[] | undefined;
  readonly files?: FileChanges | undefined;
}

export interface RuleNote {
  /** `ask`: a person, or a grant of theirs, let it pass. */
  readonly verdict: 'allow' | 'ask';
  readonly rule: string;
  readonly reason: string;
  /** The rules file. */
  readonly file?: string | undefined;
}

/** Of this execution alone; those of its sandbox are with the sandbox. */
export interface LimitNotes {
  readonly timeoutMs?: number | undefined;
  readonly outputBytes?: number | undefined;
}

const paths = z.array(z.string()).max(MAX_LISTED_CHANGES).default([]);
/** What comes back from a sandbox that outlived its server is held against this; what does not fit is dropped. */
const notesSchema = z.object({
  rule: z
    .object({
      verdict: z.enum(['allow', 'ask']),
      rule: z.string().max(128),
      reason: z.string().max(2048),
      file: z.string().max(4096).optional(),
    })
    .optional()
    .catch(undefined),
  limits: z.object({ timeoutMs: z.number().optional(), outputBytes: z.number().optional() }).optional().catch(undefined),
  ports: z.array(z.int().min(1).max(65_535)).max(64).optional().catch(undefined),
  files: z
    .object({
      created: paths,
      changed: paths,
      removed: paths,
      more: z.number().default(0),
      complete: z.boolean(),
      why: z.string().max(2048).optional(),
    })
    .optional()
    .catch(undefined),
});

const write = (notes: ReceiptNotes): string | undefined => {
  const text = JSON.stringify(notes);
  return text === '{}' ? undefined : text;
};

/** Never throws: an unreadable note loses what it said. */
export const readNotes = (text: string | undefined): ReceiptNotes => {
  if (text === undefined) return {};
  try {
    return notesSchema.parse(JSON.parse(text));
  } catch {
    return {};
  }
};

/** What fits of a note that came from a sandbox. */
export const checkedNotes = (text: string): string | undefined => write(readNotes(text));

export interface StartNotes {
  readonly decision?: Decision | undefined;
  readonly rulesFile?: string | undefined;
  readonly timeoutMs: number;
  readonly outputBytes: number;
}

export const notesAtStart = ({ decision, rulesFile, timeoutMs, outputBytes }: StartNotes): string | undefined =>
  write({
    ...(decision !== undefined &&
      decision.verdict !== 'deny' && {
        rule: { verdict: decision.verdict, rule: decision.rule, reason: decision.reason.slice(0, 2048), file: rulesFile },
      }),
    limits: { ...(timeoutMs > 0 && { timeoutMs }), outputBytes },
  });

/** What says nothing is not kept: most programs change no file. */
const lean = ({ created, changed, removed, more, complete, why }: FileChanges): Partial<FileChanges> => ({
  ...(created.length > 0 && { created }),
  ...(changed.length > 0 && { changed }),
  ...(removed.length > 0 && { removed }),
  ...(more > 0 && { more }),
  complete,
  ...(why !== undefined && { why }),
});

/** The notes of the start, and what the end told. Of every execution, so the text is continued, not read and written again. */
export const notesAtEnd = (atStart: string | undefined, { ports, changes }: Exit): string | undefined => {
  const end = JSON.stringify({
    ...(ports !== undefined && ports.length > 0 && { ports }),
    ...(changes !== undefined && { files: lean(changes) }),
  });
  if (end === '{}') return atStart;
  return atStart === undefined ? end : `${atStart.slice(0, -1)},${end.slice(1)}`;
};
