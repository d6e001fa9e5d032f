/**
 * Loaded into the server before its own code (`node --import`): 500 MB of live JavaScript heap, every page touched, as a server has that has
 * worked for a long time. It is in place before anything is started from the process.
 */
const CHUNKS = 500;
const NUMBERS_PER_MIB = 131_072;

globalThis.corralBenchBallast = Array.from({ length: CHUNKS }, (_, chunk) => {
  const numbers = [];
  for (let index = 0; index < NUMBERS_PER_MIB; index += 1) numbers.push(chunk + index + 0.5);
  return numbers;
});
