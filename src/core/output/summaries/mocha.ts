import { callsOrScripts } from './calls.ts';
import { counted, type Summariser } from './summary.ts';
import { blocks, lastMatch, numberOf, trimmed } from './text.ts';

export const mocha: Summariser = {
  name: 'mocha',
  matches: callsOrScripts('mocha'),
  summarise(ran) {
    const passing = lastMatch(ran.lines, /^ {2}(\d+) passing \(.*\)$/);
    if (passing === undefined) return undefined;
    const after = ran.lines.slice(passing.at);
    const failed = numberOf(lastMatch(after.slice(0, 5), /^ {2}(\d+) failing$/)?.match[1]);
    const problems = blocks(after, /^ {2}\d+\) (.*)$/).map(({ match, lines }) => {
      const titleEnd = lines.findIndex((line) => line.endsWith(':'));
      const at = lines
        .map((line) => /^ +at .*?\(?([^()\s]+:\d+:\d+)\)?$/.exec(line)?.[1])
        .find((found) => found !== undefined && !/node_modules|^node:/.test(found));
      const end = lines.findIndex((line) => /^ +at /.test(line));
      const titles = [match[1], ...lines.slice(0, titleEnd + 1).map((line) => line.trim())].join(' ').replace(/:$/, '');
      return { name: titles, at, text: trimmed(lines.slice(titleEnd + 1, end === -1 ? undefined : end)) };
    });
    const pending = numberOf(lastMatch(after.slice(0, 5), /^ {2}(\d+) pending$/)?.match[1]);
    return { troubles: failed, counts: counted({ failed, passed: numberOf(passing.match[1]), skipped: pending }), problems };
  },
};
