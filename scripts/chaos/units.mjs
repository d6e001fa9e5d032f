const PRELUDE = 'exec 9<> <(:); pause() { read -t "$1" -u 9; };';

const numbered = (token, from, to, mark = '') =>
  Array.from({ length: to - from + 1 }, (_, index) => `${token} ${mark}${from + index}\n`).join('');

/**
 * One program of a known end: what it prints on both streams and its exit code are known before it starts.
 * @typedef {{ kind: string, command: string, stdout: string, stderr: string, code: number, interactive?: boolean }} Unit
 */

/** @type {Record<string, (token: string, random: any, code: number) => Unit>} */
const KINDS = {
  /** Speaks on both streams, with pauses. */
  ticker: (token, random, code) => {
    const lines = random.between(10, 60);
    const pause = random.between(10, 60) / 1000;
    return {
      kind: 'ticker',
      command: `${PRELUDE} for ((i = 1; i <= ${lines}; i++)); do echo "${token} $i"; echo "${token} e$i" >&2; pause ${pause}; done; exit ${code}`,
      stdout: numbered(token, 1, lines),
      stderr: numbered(token, 1, lines, 'e'),
      code,
    };
  },
  /** Much output at once. */
  burst: (token, random, code) => {
    const lines = random.between(5000, 40_000);
    return {
      kind: 'burst',
      command: `seq -f '${token} %.0f' 1 ${lines}; exit ${code}`,
      stdout: numbered(token, 1, lines),
      stderr: '',
      code,
    };
  },
  /** Leaves a daemon in a session of its own behind, which would live for ever. */
  daemon: (token, random, code) => {
    const lines = random.between(5, 20);
    return {
      kind: 'daemon',
      command: `${PRELUDE} setsid sleep 100000 >/dev/null 2>&1 </dev/null & for ((i = 1; i <= ${lines}; i++)); do echo "${token} $i"; pause 0.05; done; exit ${code}`,
      stdout: numbered(token, 1, lines),
      stderr: '',
      code,
    };
  },
  /** Ends at once; a child of it goes on printing. */
  background: (token, random, code) => {
    const lines = random.between(5, 30);
    return {
      kind: 'background',
      command: `${PRELUDE} (for ((i = 2; i <= ${lines}; i++)); do pause 0.05; echo "${token} $i"; done) & echo "${token} 1"; exit ${code}`,
      stdout: numbered(token, 1, lines),
      stderr: '',
      code,
    };
  },
  /** Echoes what it is sent until its input ends. What was sent is known only to the sender. */
  reader: (token, _random, code) => ({
    kind: 'reader',
    command: `while read -r line; do echo "${token} $line"; done; exit ${code}`,
    stdout: '',
    stderr: '',
    code,
    interactive: true,
  }),
};

/** @returns {Unit} */
export const makeUnit = (token, random) => {
  const kind = random.pick(Object.keys(KINDS));
  return /** @type {any} */ (KINDS[kind])(token, random, random.between(0, 120));
};
