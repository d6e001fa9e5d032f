/**
 * Numbers that are the same for the same seed (xorshift32): `next` in [0, 1), `between` a whole number of both ends included.
 * @param {number} seed
 */
export const createRandom = (seed) => {
  let state = seed >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 4_294_967_296;
  };
  return { next, between: (low, high) => low + Math.floor(next() * (high - low + 1)), pick: (list) => list[Math.floor(next() * list.length)] };
};
