/**
 * One use of Corral whose end is known before it starts.
 * @typedef {{
 *   kind: string,
 *   tool: string,
 *   args: Record<string, unknown>,
 *   outcome: { kind: string, code?: number },
 *   stdout?: string,
 *   stderr?: string,
 *   act?: 'terminate' | 'cancel',
 *   refused?: string,
 *   read?: number,
 *   any?: boolean,
 * }} Unit `read`: output is read in pages of so many bytes; `any`: how much was printed is not known
 */

const shell = (kind, command, more = {}) => ({
  kind,
  tool: 'execute_command',
  args: { command },
  outcome: { kind: 'exited', code: 0 },
  ...more,
});

const lines = (token, count) => Array.from({ length: count }, (_, index) => `${token} ${index + 1}\n`).join('');

/** Every byte but the backslash, which stands for itself and for others in what is shown. */
const BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 0x5c)).toString('latin1');
const OCTAL = [...Buffer.from(BYTES, 'latin1')].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');

/** How often, beside the others, and what. @type {[number, (token: string, random: any) => Unit][]} */
const KINDS = [
  [50, (token) => shell('echo', `echo ${token}`, { stdout: `${token}\n` })],
  [10, (token) => ({ ...shell('argv', ['printf', '%s-%s', token, 'é']), stdout: `${token}-é` })],
  [
    8,
    (token, random) => {
      const code = random.between(1, 120);
      return shell('failing', `echo ${token} >&2; exit ${code}`, { stderr: `${token}\n`, outcome: { kind: 'exited', code } });
    },
  ],
  [6, (token) => ({ ...shell('stdin', ['cat']), args: { command: ['cat'], stdin: lines(token, 20) }, stdout: lines(token, 20) })],
  [
    5,
    (token, random) => {
      const count = random.pick([10, 300, 3000, 20_000]);
      return shell('much', `seq -f '${token} %.0f' 1 ${count}`, { stdout: lines(token, count), read: random.pick([4096, 262_144]) });
    },
  ],
  [
    3,
    (_token, random) => {
      const times = random.between(1, 8);
      return shell('binary', `for i in $(seq ${times}); do printf '${OCTAL}'; done`, { stdout: BYTES.repeat(times), read: 1_048_576 });
    },
  ],
  [3, (token) => ({ ...shell('no such program', [`no-${token}`]), outcome: { kind: 'failed_to_start' }, refused: 'failed_to_start' })],
  [
    3,
    (token) => ({
      ...shell('bash', ''),
      tool: 'execute_code',
      args: { language: 'bash', code: `for i in a b; do echo ${token} $i; done` },
      stdout: `${token} a\n${token} b\n`,
    }),
  ],
  [
    2,
    (token) =>
      shell('terminal', `test -t 0 && test -t 1 && echo ${token}`, {
        args: { command: `test -t 0 && test -t 1 && echo ${token}`, pty: true },
        stdout: `${token}\n`,
      }),
  ],
  [
    3,
    (token) =>
      shell('detached', '', {
        args: { command: `sleep 0.2; echo ${token}`, detach: true, wait_seconds: 0, stdin: '' },
        stdout: `${token}\n`,
      }),
  ],
  [
    2,
    (token) =>
      shell('terminated', '', {
        args: { command: `setsid sleep 1000 >/dev/null 2>&1 & echo ${token}; sleep 1000`, wait_seconds: 0, stdin: '' },
        act: 'terminate',
        outcome: { kind: 'cancelled' },
        any: true,
      }),
  ],
  [
    2,
    (token) =>
      shell('cancelled', `(sleep 1000; echo never) & echo ${token}; sleep 1000`, {
        act: 'cancel',
        outcome: { kind: 'cancelled' },
        any: true,
      }),
  ],
  [
    1,
    (token) =>
      shell('timed out', '', {
        args: { command: `echo ${token}; sleep 1000`, timeout_seconds: 0.3 },
        outcome: { kind: 'timed_out' },
        stdout: `${token}\n`,
      }),
  ],
  [
    0.5,
    (token) => ({
      ...shell('python', ''),
      tool: 'execute_code',
      args: { language: 'python', code: `print('${token}', 6 * 7)` },
      stdout: `${token} 42\n`,
    }),
  ],
  [0.3, (token) => shell('too much', `yes ${token}`, { outcome: { kind: 'output_limit' }, any: true })],
  [0.3, (token) => shell('ephemeral', '', { args: { command: `echo ${token}`, sandbox: 'ephemeral' }, stdout: `${token}\n` })],
];

const TOTAL = KINDS.reduce((sum, [weight]) => sum + weight, 0);

/** @returns {Unit} */
export const makeUnit = (token, random) => {
  let at = random.next() * TOTAL;
  for (const [weight, make] of KINDS) {
    at -= weight;
    if (at < 0) return make(token, random);
  }
  throw new Error('the weights do not add up');
};
