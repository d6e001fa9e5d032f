import { callsOrScripts } from './calls.ts';
import { counted, type Problem, type Summariser } from './summary.ts';
import { blocks, lastMatch, trimmed, wordCounts } from './text.ts';

const problemsOf = (lines: readonly string[]): Problem[] =>
  blocks(lines, /^ FAIL {2}(.+?)\s*$/, /^⎯{6,}|^ *(?:Test Files|Snapshots) {2}/).map(({ match, lines: body }) => {
    const place = body.map((line) => /^ ❯ (?:.* )?(\S+:\d+:\d+)$/.exec(line)?.[1]).find((found) => found !== undefined);
    // Behind the place there is the source.
    const end = body.findIndex((line) => /^ ❯ .*:\d+:\d+$/.test(line));
    return { name: match[1], at: place, text: trimmed(body.slice(0, end === -1 ? undefined : end)) };
  });

/** Several tests that failed alike share one block: the names above go with it. */
const together = (problems: readonly Problem[]): Problem[] => {
  const joined: Problem[] = [];
  let names: string[] = [];
  for (const problem of problems) {
    names.push(problem.name ?? '');
    if (problem.text === '') continue;
    joined.push({ ...problem, name: names.join('; ') });
    names = [];
  }
  return joined;
};

export const vitest: Summariser = {
  name: 'vitest',
  matches: callsOrScripts('vitest'),
  summarise(ran) {
    const files = lastMatch(ran.lines, /^ *Test Files {2}(.*?) \(\d+\)$/)?.match[1];
    const tests = lastMatch(ran.lines, /^ *Tests {2}(.*?)(?: \(\d+\))?$/)?.match[1];
    if (files === undefined || tests === undefined || !ran.lines.some((line) => /^ RUN {2}v\d/.test(line))) return undefined;
    const [ofFiles, ofTests] = [wordCounts(files), wordCounts(tests)];
    const failed = ofTests.get('failed') ?? 0;
    const errors = wordCounts(lastMatch(ran.lines, /^ *Errors {2}(.*)$/)?.match[1] ?? '');
    const failedFiles = ofFiles.get('failed') ?? 0;
    return {
      troubles: failed + failedFiles + (errors.get('error') ?? errors.get('errors') ?? 0),
      counts: counted({
        failed,
        failed_files: failedFiles,
        errors: errors.get('error') ?? errors.get('errors'),
        passed: ofTests.get('passed'),
        skipped: ofTests.get('skipped'),
        todo: ofTests.get('todo'),
      }),
      problems: together(problemsOf(ran.lines)),
    };
  },
};
