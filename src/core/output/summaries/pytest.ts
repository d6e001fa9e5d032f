import { calls, callsOrScripts } from './calls.ts';
import { counted, type Problem, type Summariser } from './summary.ts';
import { blocks, lastMatch, trimmed, wordCounts } from './text.ts';

const CLOSING = /^(?:=+ )?((?:\d+ [a-z]+(?:, )?)+) in \d+(?:\.\d+)?s(?: \(\d[\d:, a-z]*\))?(?: =+)?$/;
const HEADING = /^=+ (.+?) =+$/;
const PLACE = /^(?!\/.*site-packages)([^\s:][^:]*\.\w+):(\d+): /;

const problemOf = (heading: string, lines: readonly string[]): Problem => {
  const body = lines.slice(0, lines.findIndex((line) => /^-+ Captured /.test(line)) >>> 0);
  const place = lastMatch(body, PLACE)?.match;
  const said = body.filter((line) => /^E {2,}|^E$|^> /.test(line)).map((line) => line.replace(/^[E>] {3}|^E$/, ''));
  return {
    name: heading.replace(/^ERROR (?:collecting|at \w+ of) /, ''),
    at: place === undefined ? undefined : `${place[1]}:${place[2]}`,
    text: trimmed(said.length > 0 ? said : body.slice(-5)),
  };
};

/** Blocks beneath FAILURES and ERRORS; where they were switched off, the lines of the short summary. */
const problemsOf = (lines: readonly string[]): Problem[] => {
  const problems: Problem[] = [];
  for (const section of blocks(lines, HEADING)) {
    const title = section.match[1] ?? '';
    if (title !== 'FAILURES' && title !== 'ERRORS') continue;
    for (const { match, lines: body } of blocks(section.lines, /^_{3,} (.+?) _{3,}$/)) problems.push(problemOf(match[1] ?? '', body));
  }
  if (problems.length > 0) return problems;
  return lines.flatMap((line) => {
    const found = /^(?:FAILED|ERROR) (\S+?)(?: - (.*))?$/.exec(line);
    return found === null ? [] : [{ name: found[1], text: found[2] ?? '' }];
  });
};

const direct = calls('pytest', 'py.test');

export const pytest: Summariser = {
  name: 'pytest',
  matches: callsOrScripts('pytest', 'py.test'),
  summarise(ran) {
    const closing = lastMatch(ran.lines, CLOSING, 200)?.match[1];
    if (closing === undefined || !(direct(ran.command) || ran.lines.some((line) => /^=+ test session starts =+$/.test(line))))
      return undefined;
    const counts = wordCounts(closing);
    const failed = counts.get('failed') ?? 0;
    const errors = (counts.get('error') ?? 0) + (counts.get('errors') ?? 0);
    return {
      troubles: failed + errors,
      counts: counted({
        failed,
        errors,
        passed: counts.get('passed'),
        skipped: counts.get('skipped'),
        xfailed: counts.get('xfailed'),
        xpassed: counts.get('xpassed'),
        warnings: counts.get('warnings') ?? counts.get('warning'),
      }),
      problems: failed + errors > 0 ? problemsOf(ran.lines) : [],
    };
  },
};
