import type { Refusal } from '../types.ts';

/** Thrown inside the parser and caught at its door; never leaves it. */
export class NotUnderstood extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

/** Stops reading: `construct` is what stands there, `hint` what to write instead. */
export const refuse = (construct: string, at: number, hint?: string): never => {
  const reason = hint === undefined ? `${construct} is not in the grammar that this policy accepts` : `${construct}: ${hint}`;
  throw new NotUnderstood({ ok: false, construct, reason, at });
};
