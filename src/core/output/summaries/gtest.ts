import { callsOrScripts } from './calls.ts';
import { counted, type Problem, type Summariser } from './summary.ts';
import { lastMatch, numberOf, trimmed } from './text.ts';

const scripts = callsOrScripts('ctest');

/** A test program has any name with "test" in it: the brackets are what tells. */
export const gtest: Summariser = {
  name: 'googletest',
  matches: (command) => scripts(command) || /(?:^|[\s;&|(/])[\w.-]*tests?[\w.-]*(?=$|[\s;&|)])/i.test(command),
  summarise(ran) {
    const ended = lastMatch(ran.lines, /^\[={10}\] (\d+) tests? from \d+ test (?:suites?|cases?) ran\./);
    const passed = lastMatch(ran.lines, /^\[ {2}PASSED {2}\] (\d+) tests?\.$/);
    if (ended === undefined || passed === undefined || passed.at < ended.at) return undefined;
    const after = ran.lines.slice(ended.at);
    const failed = numberOf(lastMatch(after, /^\[ {2}FAILED {2}\] (\d+) tests?, listed below:$/)?.match[1]);
    const skipped = numberOf(lastMatch(after, /^\[ {2}SKIPPED \] (\d+) tests?, listed below:$/)?.match[1]);
    const problems: Problem[] = [];
    let said: string[] = [];
    for (const line of ran.lines.slice(0, ended.at)) {
      const failure = /^\[ {2}FAILED {2}\] ([^\s,]+)/.exec(line);
      if (failure !== null) {
        const at = said.map((one) => /^(\S.*:\d+): Failure$/.exec(one)?.[1]).find((found) => found !== undefined);
        problems.push({ name: failure[1], at, text: trimmed(said.filter((one) => !one.endsWith(': Failure'))) });
      }
      if (line.startsWith('[')) said = [];
      else said.push(line);
    }
    return { troubles: failed, counts: counted({ failed, passed: numberOf(passed.match[1]), skipped }), problems };
  },
};
