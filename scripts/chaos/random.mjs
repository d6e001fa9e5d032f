import { createHash } from 'node:crypto';

/**
 * Numbers that are the same for the same words (xorshift32): `next` in [0, 1), `between` a whole number of both ends included. Each thing
 * that is decided has a generator of its own, so that timing changes nothing of what is decided.
 * @param {...(number | string)} words
 */
export const createRandom = (...words) => {
  let state = createHash('sha256').update(words.join(' ')).digest().readUInt32LE() || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 4_294_967_296;
  };
  return {
    next,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: (list) => list[Math.floor(next() * list.length)],
  };
};
