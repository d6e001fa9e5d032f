import type { Executions, Look } from './types.ts';

export interface Answer {
  readonly key: string;
  readonly action: 'accept' | 'decline' | 'cancel';
  readonly content?: Readonly<Record<string, unknown>> | undefined;
}

export interface Questions {
  /** Whether the program waits for somebody to type, and what to ask; empty when it does not. */
  of(look: Look): Promise<{ waits?: string; questions?: { key: string; message: string }[] }>;
  /** True when it was the answer to what the program waits for now. Declined, its input ends. */
  answer(look: Look, answer: Answer): Promise<boolean>;
}

/** Programs that wait for input, as questions to a person. One at a time: a program reads one line and goes on. */
export const createQuestions = (executions: Pick<Executions, 'follow' | 'write'>): Questions => {
  /** The same while nobody answers and nothing is printed: asked for again, it is the same question. */
  const keyOf = async ({ record, stdoutBytes, stderrBytes }: Look): Promise<string> => {
    const lastInput = (await executions.follow(record.id))?.lastInput ?? 0;
    return ['input', stdoutBytes + stderrBytes, Math.max(0, Math.round(lastInput))].join('-');
  };

  return {
    of: async (look) => {
      const { needsInput } = look;
      if (needsInput === undefined) return {};
      const { program, prompt, hidden } = needsInput;
      if (hidden === true) return { waits: `${program} waits for a secret, which is not asked for here` };
      const waits = `${program} waits for input${prompt === undefined ? '' : `: ${prompt}`}`;
      return { waits, questions: [{ key: await keyOf(look), message: waits }] };
    },
    answer: async (look, { key, action, content }) => {
      const { needsInput, record } = look;
      if (needsInput === undefined || needsInput.hidden === true || action === 'cancel' || key !== (await keyOf(look))) return false;
      if (action === 'decline') {
        await executions.write(record.id, new Uint8Array(0), true);
        return true;
      }
      const text = content?.['text'];
      if (typeof text !== 'string') return false;
      await executions.write(record.id, Buffer.from(`${text}\n`), false);
      return true;
    },
  };
};
