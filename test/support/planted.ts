import { recordedProgress, recordedTools, type Recorded } from './recorded.ts';

/** Lines that an agent needs, planted into what real tools print, again and again, between lines that repeat and progress. */

/** One line of each kind that is worth the whole output; `index` makes each of them the only one of its text. */
const ANSWERS: readonly ((index: number) => string)[] = [
  (index) => `src/app/file${index}.ts:${index}:7 - error TS2345: Argument ${index} is not assignable`,
  (index) => `WARNING: configuration key number ${index} is ignored`,
  (index) => `E       AssertionError: expected ${index} to be ${index + 1}`,
  (index) => `AssertionError: assert ${index} == ${index + 1}`,
  (index) => `  File "/workspace/module_${index}.py", line ${index}, in handler`,
  (index) => `panic: runtime error: index out of range [${index}] with length ${index}`,
  (index) => `result_${index} = ${index}.25`,
  (index) => `total: ${index} rows written to table_${index}`,
  (index) => `Server ${index} listening on http://127.0.0.1:${3000 + index}`,
  (index) => `checksum ${(index * 7_919_777).toString(16).padStart(8, '0')}  release-${index}.tar.gz`,
  (index) => `--- FAIL: TestNumber${index} (0.${index}s)`,
  (index) => `error[E0${String(index).padStart(3, '0')}]: mismatched types`,
  (index) => `npm warn deprecated package-${index}@1.0.0: use another`,
  (index) => `Killed process ${index} (python) total-vm:${index}kB`,
  (index) => `version ${index}.${index + 1}.0`,
];

export interface Corpus {
  readonly name: string;
  readonly text: string;
  readonly planted: readonly string[];
}

/** Always the same for the same seed. */
const numbers = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const REPEATING: readonly ((index: number) => string)[] = [
  () => 'Waiting for the database to accept connections',
  (index) => `2026-11-28T10:${String(Math.floor(index / 60) % 60).padStart(2, '0')}:${String(index % 60).padStart(2, '0')}Z heartbeat ok`,
  (index) => `Downloading weights.bin ${index % 101}%`,
  (index) => `Processing record ${index}`,
];

/** Runs of noise of some length, as loops print them. */
const noise = (random: () => number): string[] => {
  const line = REPEATING[Math.floor(random() * REPEATING.length)] ?? REPEATING[0];
  return Array.from({ length: 5 + Math.floor(random() * 60) }, (_, index) => line?.(index) ?? '');
};

const plantInto = ({ name, stdout, stderr }: Recorded, bytes: number, seed: number): Corpus => {
  const random = numbers(seed);
  // Lines that a program draws over would take what is planted between them along: they end where the recording does.
  const real = `${stdout.toString()}\n${stderr.toString()}\n`;
  const parts: string[] = [];
  const planted: string[] = [];
  for (let length = 0; length < bytes;) {
    const answer = ANSWERS[planted.length % ANSWERS.length]?.(planted.length + 1) ?? '';
    planted.push(answer);
    const part = `${[...noise(random), answer, ...noise(random)].join('\n')}\n${planted.length % 4 === 0 ? real : ''}`;
    parts.push(part);
    length += part.length;
  }
  return { name, text: parts.join(''), planted };
};

/** One for each recording, of about so many bytes each. */
export const plantedCorpus = (root: string, bytes: number): readonly Corpus[] =>
  [...recordedTools(root), ...recordedProgress(root)].map((one, index) => plantInto(one, bytes, index + 1));
