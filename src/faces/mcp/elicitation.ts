import type { ClientCapabilities, InputRequiredResult, ServerContext } from '@modelcontextprotocol/server';
import { acceptedContent, CLIENT_CAPABILITIES_META_KEY, inputRequired, inputResponse } from '@modelcontextprotocol/server';
import { createHash } from 'node:crypto';
import * as z from 'zod/v4';
import type { OperationContext, Question } from '../../core/operation.ts';
import { CorralError } from '../../ports/errors.ts';
import type { CarriedState, RequestStates } from './request-state.ts';

/** Longer than any call waits for an answer: the caller's signal ends it before. */
const ANSWER_WITHIN_MS = 60_000;
const KEY = 'approval';

const answerSchema = z.object({ decision: z.string().max(256) });

/** What a client has said it can do, and in which era it said so. */
export interface Peer {
  readonly isModern: boolean;
  /** Of a client before 2026, from its `initialize`. */
  capabilities(): ClientCapabilities | undefined;
}

export interface Elicitation {
  readonly elicit: NonNullable<OperationContext['elicit']>;
  /** The answer that makes the client ask its user and call again, when the call was ended for that; undefined otherwise. */
  toAsk(): Promise<InputRequiredResult | undefined>;
}

/** What a client since 2026 says of itself in this request. */
export const declaredBy = ({ mcpReq }: ServerContext): ClientCapabilities | undefined => {
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  return envelope[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined;
};

/** A client that names no kind of elicitation means forms. */
export const takesForms = (capabilities: ClientCapabilities | undefined): boolean => {
  const kinds = capabilities?.elicitation;
  return kinds !== undefined && (kinds.form !== undefined || kinds.url === undefined);
};

const form = ({ message, choices }: Question) => ({
  message,
  requestedSchema: {
    type: 'object' as const,
    properties: { decision: { type: 'string' as const, title: 'Decision', enum: [...choices] } },
    required: ['decision'],
  },
});

const digest = (tool: string, args: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([tool, args]))
    .digest('base64url');

/**
 * Before 2026: the question goes to the client while the call waits. Sent as a plain request: `elicitInput` holds the answer against a JSON
 * Schema, for which the product carries no validator; what comes back is read with the schema below.
 */
const askNow = ({ mcpReq }: ServerContext): Elicitation => ({
  elicit: async (question, signal) => {
    const params = { mode: 'form', ...form(question) };
    const result = await mcpReq.send(
      { method: 'elicitation/create', params },
      { signal, timeout: ANSWER_WITHIN_MS, relatedRequestId: mcpReq.id },
    );
    if (result.action === 'decline') return {};
    const content = result.action === 'accept' ? answerSchema.safeParse(result.content).data : undefined;
    return content && { choice: content.decision };
  },
  toAsk: () => Promise.resolve(undefined),
});

/** Since 2026: the call ends with the question, and the client makes it again with the answer and with the state that says to what. */
const askByReturning = (context: ServerContext, states: RequestStates, tool: string, args: unknown): Elicitation => {
  const request = digest(tool, args);
  let asked: Question | undefined;
  return {
    elicit: (question) => {
      const { inputResponses } = context.mcpReq;
      const state = context.mcpReq.requestState<Partial<CarriedState>>();
      const response = inputResponse(inputResponses, KEY);
      if (state?.approval === question.id && state.request === request && response.kind === 'elicit') {
        if (response.action === 'cancel') return Promise.resolve(undefined);
        if (response.action === 'decline') return Promise.resolve({});
        const content = acceptedContent(inputResponses, KEY, answerSchema);
        if (content !== undefined) return Promise.resolve({ choice: content.decision });
      }
      asked = question;
      return Promise.reject(new CorralError('approval_required', 'The question went to the client, which calls again with the answer.'));
    },
    toAsk: async () => {
      if (asked === undefined) return undefined;
      const { message, requestedSchema } = form(asked);
      return inputRequired({
        inputRequests: { [KEY]: inputRequired.elicit({ message, requestedSchema }) },
        requestState: await states.mint({ approval: asked.id, request }, context),
      });
    },
  };
};

/** How the client of this request can be asked; undefined when it did not declare that it can. */
export const elicitationOf = (
  peer: Peer,
  context: ServerContext,
  states: RequestStates,
  tool: string,
  args: unknown,
): Elicitation | undefined => {
  const capabilities = peer.isModern ? declaredBy(context) : peer.capabilities();
  if (!takesForms(capabilities)) return undefined;
  return peer.isModern ? askByReturning(context, states, tool, args) : askNow(context);
};
