import { signalNamed } from './signal-names.ts';
import * as z from 'zod/v4';
import { CorralError } from '../../ports/errors.ts';
import { defineOperation, type Operation } from '../operation.ts';
import type { Screens } from '../terminal/screens.ts';
import { sizesOf } from '../terminal/sizes.ts';
import { executionId, terminalSides } from './input.ts';
import type { KeyTarget } from './keys.ts';
import type { Executions } from './types.ts';

export interface SendOperationDeps {
  readonly executions: Executions;
  readonly screens: Screens;
}

const keySequence = z.string().min(1).max(2000);

/** What keys mean to this execution, now. */
const targetOf = async ({ executions, screens }: SendOperationDeps, id: string, asksMode: boolean): Promise<KeyTarget> => {
  const { record, stdoutBytes } = await executions.look(id);
  const sizes = sizesOf(record.meta);
  if (sizes === undefined) return { on: 'pipe', applicationCursor: false };
  if (!asksMode) return { on: 'terminal', applicationCursor: false };
  const { applicationCursor } = await screens.show({ ref: { sandbox: record.sandbox, execution: id }, sizes, to: stdoutBytes });
  return { on: 'terminal', applicationCursor };
};

export const sendOperation = (deps: SendOperationDeps): Operation => {
  const { executions } = deps;
  return defineOperation({
    name: 'execution.input',
    tool: 'send_input',
    title: 'Type into a running program',
    description: 'Send text, keys or the end of input to a running execution that has an open stdin or a pty.',
    effect: 'execute',
    hints: { destructive: true, idempotent: false, openWorld: false },
    input: z.strictObject({
      execution_id: executionId,
      text: z
        .string()
        .max(1024 * 1024)
        .optional()
        .describe('Sent as it is.'),
      keys: z
        .union([keySequence, z.array(keySequence).max(64)])
        .optional()
        .describe('After the text: "<C-c>", "<Up><CR>", "<Esc>:wq<CR>".'),
      end: z.boolean().optional().describe('Then close stdin.'),
      resize: terminalSides.optional(),
      signal: z.string().min(1).max(64).optional().describe('Such as USR1; ends nothing by itself.'),
    }),
    output: z.looseObject({ execution_id: z.string(), sent_bytes: z.number() }),
    run: async ({ execution_id: id, text, keys, end, resize, signal }) => {
      const sent = signal === undefined ? undefined : signalNamed(signal);
      const pressed = keys === undefined ? [] : typeof keys === 'string' ? [keys] : keys;
      const { dependsOnMode, keyBytes } = await import('./keys.ts');
      const target = pressed.length === 0 ? undefined : await targetOf(deps, id, pressed.some(dependsOnMode));
      const data = Buffer.concat([
        Buffer.from(text ?? ''),
        ...(target === undefined ? [] : pressed.map((sequence) => keyBytes(sequence, target))),
      ]);
      if (data.length === 0 && end !== true && resize === undefined && sent === undefined)
        throw new CorralError('invalid_input', 'send_input: give text, keys, end, resize or signal.');
      if (resize !== undefined) await executions.resize(id, resize);
      if (data.length > 0 || end === true) await executions.write(id, data, end ?? false);
      if (sent !== undefined) await executions.signal(id, sent.number);
      return { execution_id: id, sent_bytes: data.length, ...(sent !== undefined && { signal: sent.name }) };
    },
  });
};
