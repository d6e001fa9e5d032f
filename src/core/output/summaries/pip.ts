import { calls } from './calls.ts';
import { agrees, counted, type Problem, type Summariser } from './summary.ts';
import { lastMatch, trimmed } from './text.ts';

/** Why a set of requirements cannot be met: a paragraph of its own. */
const conflictOf = (lines: readonly string[]): string[] => {
  const from = lines.findIndex((line) => /^The conflict is caused by:/.test(line));
  if (from === -1) return [];
  const end = lines.findIndex((line, index) => index > from && line.trim() === '');
  return lines.slice(from, end === -1 ? undefined : end);
};

export const pip: Summariser = {
  name: 'pip',
  matches: calls('pip install', 'pip3 install', 'pip uninstall', 'pip3 uninstall', 'pip download', 'pip wheel'),
  summarise(ran) {
    const errors = ran.lines.flatMap((line) => /^ *(?:ERROR|error): (.*)$/.exec(line)?.[1] ?? []);
    const warnings = ran.lines.flatMap((line) => /^(?:WARNING|DEPRECATION): (.*)$/.exec(line)?.[1] ?? []);
    // A conflict with what is installed already is told as an error, and ends well.
    if (ran.code !== 0 && errors.length === 0) return undefined;
    const installed = lastMatch(ran.lines, /^Successfully installed (.*)$/)?.match[1]?.split(' ') ?? [];
    const satisfied = ran.lines.filter((line) => line.startsWith('Requirement already satisfied: ')).length;
    if (ran.code === 0 && (installed.length + satisfied === 0 || (errors.length > 0 && installed.length === 0))) return undefined;
    if (ran.code !== 0 && (installed.length > 0 || !agrees(errors.length, ran))) return undefined;
    const conflict = trimmed(conflictOf(ran.lines));
    const problems: Problem[] = [
      ...errors.map((text) => ({ name: 'error', text })),
      ...(conflict === '' ? [] : [{ text: conflict }]),
      ...warnings.map((text) => ({ name: 'warning', text })),
    ];
    return {
      counts: counted({ errors: errors.length, installed: installed.length, 'already there': satisfied, warnings: warnings.length }),
      problems,
    };
  },
};
