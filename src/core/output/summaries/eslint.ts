import { callsOrScripts } from './calls.ts';
import { counted, type Problem, type Summariser } from './summary.ts';
import { blocks, lastMatch, numberOf } from './text.ts';

const bySeverity = (problems: readonly { readonly isError: boolean; readonly problem: Problem }[]): Problem[] =>
  [...problems.filter(({ isError }) => isError), ...problems.filter(({ isError }) => !isError)].map(({ problem }) => problem);

export const eslint: Summariser = {
  name: 'eslint',
  matches: callsOrScripts('eslint', 'standard', 'xo'),
  summarise(ran) {
    const closing = lastMatch(ran.lines, /^✖ \d+ problems? \((\d+) errors?, (\d+) warnings?\)$/)?.match;
    if (closing === undefined) return undefined;
    const [errors, warnings] = [numberOf(closing[1]), numberOf(closing[2])];
    let file = '';
    const problems = ran.lines.flatMap((line) => {
      if (/^\S.*\.\w+$/.test(line)) file = line;
      const found = /^ +(\d+:\d+) +(error|warning) +(.*?)(?: {2,}(\S+))?$/.exec(line);
      if (found === null) return [];
      return [{ isError: found[2] === 'error', problem: { name: found[4] ?? found[2], at: `${file}:${found[1]}`, text: found[3] ?? '' } }];
    });
    return { troubles: errors, counts: counted({ errors, warnings }), problems: bySeverity(problems) };
  },
};

export const oxlint: Summariser = {
  name: 'oxlint',
  matches: callsOrScripts('oxlint'),
  summarise(ran) {
    const closing = lastMatch(ran.lines, /^Found (\d+) warnings? and (\d+) errors?\.$/)?.match;
    if (closing === undefined) return undefined;
    const [warnings, errors] = [numberOf(closing[1]), numberOf(closing[2])];
    const problems = blocks(ran.lines, /^ {2}([x!×⚠]) (?:([\w-]+\([\w/-]+\)): )?(.*)$/u, /^Found \d+ /).map(({ match, lines }) => {
      const at = lines.map((line) => /^ +[,╭][-─]\[(.+)\]$/.exec(line)?.[1]).find((found) => found !== undefined);
      const help = lines.find((line) => /^ +help: /.test(line))?.trim();
      return {
        isError: /[x×]/.test(match[1] ?? ''),
        problem: { name: match[2], at, text: [match[3], help].filter((part) => part !== undefined).join('\n') },
      };
    });
    return { troubles: errors, counts: counted({ errors, warnings }), problems: bySeverity(problems) };
  },
};
