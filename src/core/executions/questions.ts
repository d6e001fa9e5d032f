import { CorralError } from '../../ports/errors.ts';
import type { InputWait } from '../../ports/sandbox.ts';
import type { Executions, Look } from './types.ts';

/** A shorter wait may be the moment between two reads, or before the last answer was read. */
const HELD_MS = 200;
/** Answered executions that are remembered: more than run at once. */
const REMEMBERED = 4096;

export interface Answer {
  readonly key: string;
  readonly action: 'accept' | 'decline' | 'cancel';
  readonly content?: Readonly<Record<string, unknown>> | undefined;
}

export interface Questions {
  /** Whether the program waits for somebody to type, and what to ask; empty when it does not. */
  of(look: Look, line: string | undefined): Promise<{ waits?: string; questions?: { key: string; message: string }[] }>;
  /** True when it was the answer to what the program waits for now. Declined, its input ends. */
  answer(look: Look, answer: Answer): Promise<boolean>;
}

/** Programs that wait for input, as questions to a person. One at a time: a program reads one line and goes on. */
export const createQuestions = (executions: Executions): Questions => {
  /** Of executions that run: how often, and when last, they were answered. */
  const answered = new Map<string, { readonly times: number; readonly at: number }>();

  const waitOf = async ({ record }: Look): Promise<InputWait | undefined> => {
    if (record.status === 'finished') {
      answered.delete(record.id);
      return undefined;
    }
    const one = await executions.follow(record.id);
    const activity = await one?.live.sandbox.inspect(record.id).catch((error: unknown) => {
      if (error instanceof CorralError && (error.code === 'lost' || error.code === 'not_found')) return undefined;
      throw error;
    });
    const wait = activity?.inputWait;
    const heldMs = Math.min(wait?.forMs ?? 0, performance.now() - (answered.get(record.id)?.at ?? -Infinity));
    return heldMs < HELD_MS ? undefined : wait;
  };

  /** The same while nobody answers and nothing is printed: asked for again, it is the same question. */
  const keyOf = ({ record, stdoutBytes, stderrBytes }: Look): string =>
    `input-${String(stdoutBytes + stderrBytes)}-${String(answered.get(record.id)?.times ?? 0)}`;

  return {
    of: async (look, line) => {
      const wait = await waitOf(look);
      if (wait === undefined) return {};
      if (wait.hidden) return { waits: `${wait.program} waits for a secret, which is not asked for here` };
      const waits = `${wait.program} waits for input${line === undefined ? '' : `: ${line}`}`;
      return { waits, questions: [{ key: keyOf(look), message: waits }] };
    },
    answer: async (look, { key, action, content }) => {
      const { id } = look.record;
      const wait = await waitOf(look);
      if (wait === undefined || wait.hidden || key !== keyOf(look) || action === 'cancel') return false;
      const text = content?.['text'];
      if (action === 'accept' && typeof text !== 'string') return false;
      const enter = wait.on === 'terminal' ? '\r' : '\n';
      if (answered.size >= REMEMBERED) answered.delete(answered.keys().next().value ?? '');
      answered.set(id, { times: (answered.get(id)?.times ?? 0) + 1, at: performance.now() });
      if (action === 'accept') await executions.write(id, Buffer.from(`${String(text)}${enter}`), false);
      else await executions.write(id, new Uint8Array(0), true);
      return true;
    },
  };
};
