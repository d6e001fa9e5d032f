import type { RequestStateCodec, ServerContext, ServerOptions } from '@modelcontextprotocol/server';
import { createRequestStateCodec } from '@modelcontextprotocol/server';

/** What a client carries from a question to the call that answers it. Signed, not secret. */
export interface CarriedState {
  readonly approval: string;
  /** Of the tool and its arguments. */
  readonly request: string;
}

export interface RequestStates {
  mint(state: CarriedState, context: ServerContext): Promise<string>;
  /** As the SDK wants it. Forged state, and somebody else's, is refused; state that has expired says nothing, so the question is put again. */
  readonly verify: NonNullable<NonNullable<ServerOptions['requestState']>['verify']>;
}

export interface RequestStatesOptions {
  /** At least 32 bytes; the same for all servers of a state folder. Asked for when the first state is made or comes in. */
  readonly key: () => Promise<Uint8Array>;
  readonly ttlSeconds: number;
  /** Who asks. */
  readonly principal: (context: ServerContext) => string;
}

const NOTHING = {};

export const createRequestStates = ({ key, ttlSeconds, principal }: RequestStatesOptions): RequestStates => {
  let made: Promise<RequestStateCodec<CarriedState>> | undefined;
  const codec = (): Promise<RequestStateCodec<CarriedState>> => {
    made ??= key().then(
      (bytes) =>
        createRequestStateCodec<CarriedState>({
          key: bytes,
          ttlSeconds,
          bind: (context) => `${context.mcpReq.method}\0${principal(context)}`,
        }),
      (error: unknown) => {
        made = undefined;
        throw error;
      },
    );
    return made;
  };
  return {
    mint: async (state, context) => (await codec()).mint(state, context),
    verify: async (state, context) => {
      const { verify } = await codec();
      try {
        return await verify(state, context);
      } catch (error) {
        if (error instanceof Error && error.message === 'expired') return NOTHING;
        throw error;
      }
    },
  };
};
