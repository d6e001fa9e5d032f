import { callsOrScripts } from './calls.ts';
import { counted, type Summariser } from './summary.ts';
import { blocks, lastMatch, trimmed, wordCounts } from './text.ts';

export const jest: Summariser = {
  name: 'jest',
  matches: callsOrScripts('jest', 'react-scripts'),
  summarise(ran) {
    const suites = lastMatch(ran.lines, /^Test Suites: (.*) total$/)?.match[1];
    const tests = lastMatch(ran.lines, /^Tests: {7}(.*) total$/)?.match[1];
    if (suites === undefined || tests === undefined) return undefined;
    const counts = wordCounts(tests);
    const failed = counts.get('failed') ?? 0;
    const failedSuites = wordCounts(suites).get('failed') ?? 0;
    // With many files jest says everything twice: what comes last under "Summary of all failing tests" is complete.
    const again = ran.lines.lastIndexOf('Summary of all failing tests');
    const problems = blocks(ran.lines.slice(again + 1), /^ {2}● (.+)$/, /^(?:PASS|FAIL|Test Suites:) ?/).flatMap(({ match, lines }) => {
      if (/^Console$/.test(match[1] ?? '')) return [];
      const at = lines
        .map((line) => /^ {6}at .*?\(?([^()\s]+:\d+:\d+)\)?$/.exec(line)?.[1])
        .find((found) => found !== undefined && !/node_modules|^node:/.test(found));
      // The source, and where it was called from, say less than what was expected.
      const end = lines.findIndex((line) => /^ {4,}(?:>? *\d+ \||at )/.test(line));
      return [{ name: match[1], at, text: trimmed(lines.slice(0, end === -1 ? undefined : end)) }];
    });
    return {
      troubles: failed + failedSuites,
      counts: counted({
        failed,
        failed_suites: failedSuites,
        passed: counts.get('passed'),
        skipped: counts.get('skipped'),
        todo: counts.get('todo'),
      }),
      problems: failed + failedSuites > 0 ? problems : [],
    };
  },
};
