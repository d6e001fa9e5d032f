import type { CallToolResult } from '@modelcontextprotocol/server';
import { ProtocolError } from '@modelcontextprotocol/server';
import type { Operation, OperationOutcome, Presented } from '../../core/operation.ts';
import { CorralError, toCorralError } from '../../ports/errors.ts';

/**
 * Some clients show their model only `structuredContent`, others only the text: both carry everything, as the same JSON.
 */
const resultOf = (structuredContent: Record<string, unknown>): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
  structuredContent,
});

export const successResult = (output: Record<string, unknown>): CallToolResult => resultOf(output);

/** What failed inside Corral stays inside: the log has it. */
export const shownError = (thrown: unknown): CorralError => {
  const error = toCorralError(thrown);
  return error.code === 'internal' ? new CorralError('internal', 'Corral failed inside; its log on the server has the cause.') : error;
};

/** A failed operation is a result that the model can read and act on. */
export const failureResult = (thrown: unknown): CallToolResult => {
  const { code, message, hint, details } = shownError(thrown);
  const error = { code, message, hint, ...(Object.keys(details).length > 0 && { details }) };
  return { ...resultOf({ error }), isError: true };
};

/** Exact text, for clients that depend on it. Throws where they expect an error of the protocol. */
export const presentedResult = ({ blocks, isError, protocolError }: Presented): CallToolResult => {
  if (protocolError !== undefined) throw new ProtocolError(protocolError.code, protocolError.message);
  return { content: blocks.map((text) => ({ type: 'text', text })), isError };
};

/** What a client gets of what an operation came to. */
export const resultOfOutcome = ({ present }: Pick<Operation, 'present'>, outcome: OperationOutcome): CallToolResult => {
  if (present !== undefined) return presentedResult(present(outcome));
  return 'error' in outcome ? failureResult(outcome.error) : successResult(outcome.output);
};
