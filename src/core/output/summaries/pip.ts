import { calls } from './calls.ts';
import { counted, type Problem, type Summariser } from './summary.ts';
import { lastMatch, trimmed } from './text.ts';

/** Why a set of requirements cannot be met: a paragraph of its own. */
const conflictOf = (lines: readonly string[]): string[] => {
  const from = lines.findIndex((line) => line.startsWith('The conflict is caused by:'));
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
    const installed = lastMatch(ran.lines, /^Successfully installed (.*)$/)?.match[1]?.split(' ') ?? [];
    const satisfied = ran.lines.filter((line) => line.startsWith('Requirement already satisfied: ')).length;
    if (errors.length + installed.length + satisfied === 0) return undefined;
    const conflict = trimmed(conflictOf(ran.lines));
    const problems: Problem[] = [
      ...errors.map((text) => ({ name: 'error', text })),
      ...(conflict === '' ? [] : [{ text: conflict }]),
      ...warnings.map((text) => ({ name: 'warning', text })),
    ];
    // A conflict with what was there before is told as an error, and ends well.
    return {
      troubles: installed.length > 0 ? 0 : errors.length,
      counts: counted({ errors: errors.length, installed: installed.length, already_installed: satisfied, warnings: warnings.length }),
      problems,
    };
  },
};
