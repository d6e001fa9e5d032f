import { callNumber } from './probe.ts';
import type { Attack, EscapeProbe, ProbeArch, ProbeContext } from './probe.ts';
import { PERL_RUNNER, PYTHON_RUNNER } from './raw-runner.ts';
import type { ProbeResult } from '../report.ts';

const EPERM = 1;
const EACCES = 13;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
const REFUSALS = [EPERM, EACCES, ENOSYS, EAFNOSUPPORT];

/** Printed last: without it the program, or its sandbox, ended before its attacks did. */
const COMPLETE = 'probe complete';
const SHOWN = 6;

const isRaw = (attack: Attack): attack is Exclude<Attack, { kind: 'shell' }> => attack.kind !== 'shell';

const rawLine = (attack: Exclude<Attack, { kind: 'shell' }>, arch: ProbeArch): string =>
  attack.kind === 'call'
    ? `${attack.name} call ${callNumber(attack.call, arch)} ${[...attack.args, 0, 0, 0, 0, 0, 0].slice(0, 6).join(' ')}`
    : `${attack.name} ${attack.kind} ${attack.to}`;

/** The whole probe as text for `/bin/sh -c`: "S name" for an attack that succeeded, "R name" refused, "N name" not made, "E name errno". */
export const compileProbe = (attacks: readonly Attack[], arch: ProbeArch): string => {
  const shell = attacks.filter((attack) => attack.kind === 'shell');
  const raw = attacks.filter(isRaw);
  const lines = raw.map((attack) => rawLine(attack, arch)).join('\n');
  return [
    ...shell.map(({ name, script }) => `if (\n${script}\n) </dev/null >/dev/null 2>&1; then echo 'S ${name}'; else echo 'R ${name}'; fi`),
    ...(raw.length === 0
      ? []
      : [
          `attacks='${lines}'`,
          `if python3 -I -c 'import ctypes' 2>/dev/null; then printf '%s\\n' "$attacks" | python3 -I -c '${PYTHON_RUNNER}'`,
          `elif perl -MSocket -e 1 2>/dev/null; then printf '%s\\n' "$attacks" | perl -e '${PERL_RUNNER}'`,
          `else ${raw.map(({ name }) => `echo 'N ${name}'`).join('; ')}; fi`,
        ]),
    `echo '${COMPLETE}'`,
  ].join('\n');
};

export interface Answers {
  readonly succeeded: readonly string[];
  readonly refused: readonly string[];
  readonly notMade: readonly string[];
  readonly complete: boolean;
}

/** What became of each attack. */
export const readAnswers = (attacks: readonly Attack[], output: string): Answers => {
  const words = output.split('\n').map((line) => line.split(' '));
  const of = (attack: Attack): 'succeeded' | 'refused' | 'notMade' => {
    const answer = words.find((line) => line.length <= 3 && line[1] === attack.name);
    if (answer === undefined || answer[0] === 'N') return 'notMade';
    if (answer[0] === 'S') return 'succeeded';
    if (answer[0] === 'R') return 'refused';
    const errno = Number(answer[2]);
    if (attack.kind === 'call') return (attack.refusals ?? REFUSALS).includes(errno) ? 'refused' : 'succeeded';
    return errno === 0 ? 'succeeded' : 'refused';
  };
  const named = (fate: 'succeeded' | 'refused' | 'notMade'): string[] =>
    attacks.filter((attack) => of(attack) === fate).map(({ name }) => name);
  return { succeeded: named('succeeded'), refused: named('refused'), notMade: named('notMade'), complete: output.includes(COMPLETE) };
};

const some = (names: readonly string[]): string =>
  names.length > SHOWN ? `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more` : names.join(', ');

/** `ended`: why the sandbox is gone, when it is: a command that can end it has won something. */
export const judge = (probe: EscapeProbe, attacks: readonly Attack[], output: string, ended?: string): ProbeResult => {
  const { succeeded, refused, notMade, complete } = readAnswers(attacks, output);
  const about = { id: probe.id, title: probe.title, expected: probe.expected, tried: attacks.map(({ name }) => name) };
  if (succeeded.length > 0) return { ...about, held: 'no', seen: `succeeded: ${some(succeeded)}` };
  if (ended !== undefined) return { ...about, held: 'no', seen: `the sandbox ended under it: ${ended}` };
  if (!complete)
    return { ...about, held: 'unproven', seen: `the probe did not come to its end; refused so far: ${some(refused) || 'nothing'}` };
  if (notMade.length > 0)
    return {
      ...about,
      held: 'unproven',
      seen: `${refused.length} refused; not made, as there is neither python3 nor perl inside: ${some(notMade)}`,
    };
  if (refused.length === 0) return { ...about, held: 'unproven', seen: 'there was nothing to try here' };
  return { ...about, held: 'yes', seen: `${refused.length} of ${refused.length} refused` };
};

export const attacksOf = (probe: EscapeProbe, context: ProbeContext): readonly Attack[] => {
  const attacks = probe.attacks(context);
  const names = new Set(attacks.map(({ name }) => name));
  if (names.size !== attacks.length || attacks.some(({ name }) => !/^[a-z0-9-]+$/.test(name)))
    throw new Error(`names of attacks in ${probe.id}`);
  return attacks;
};
