import { callsOrScripts } from './calls.ts';
import { counted, type Problem, type Ran, type Summariser } from './summary.ts';
import { lastMatch, numberOf } from './text.ts';

const TOTAL = /^(?:\[\w+\] )?Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)$/;

/** Without the level that Maven writes before lines. */
const bare = (line: string): string => line.replace(/^\[\w+\] ?/, '');

/** Under "Failed tests:" (or "Failures:") and "Tests in error:" (or "Errors:"), one line a test. */
const failedTests = ({ lines }: Ran, from: number, to: number): Problem[] => {
  const problems: Problem[] = [];
  let inside = false;
  for (const line of lines.slice(from, to).map(bare)) {
    const heading = /^(?:Failed tests|Failures|Tests in error|Errors): *(.*)$/.exec(line);
    const said = heading === null ? line.trim() : (heading[1] ?? '');
    if (heading !== null) inside = true;
    else if (said === '') inside = false;
    if (!inside || said === '') continue;
    const [, name, at, text] = /^(\S+?)(?::(\d+))?[: ] *(.*)$/.exec(said) ?? [];
    problems.push({ name, at: at === undefined ? undefined : `${name?.split('.')[0]}.java:${at}`, text: text ?? said });
  }
  return problems;
};

const compileErrors = ({ lines }: Ran): Problem[] => {
  const from = lines.findIndex((line) => line.startsWith('[ERROR] COMPILATION ERROR'));
  if (from === -1) return [];
  const end = lines.findIndex((line, index) => index > from && /^\[INFO\] \d+ errors?/.test(line));
  const problems: Problem[] = [];
  for (const line of lines.slice(from + 1, end === -1 ? undefined : end)) {
    const found = /^\[ERROR\] (\S+):\[(\d+),(\d+)\] (.*)$/.exec(line);
    if (found !== null) problems.push({ name: 'error', at: `${found[1]}:${found[2]}:${found[3]}`, text: found[4] ?? '' });
    else if (/^(?:\[ERROR\])? {2,}\S/.test(line)) {
      const last = problems.pop();
      if (last !== undefined) problems.push({ ...last, text: `${last.text}\n${bare(line).trimEnd()}` });
    }
  }
  return problems;
};

export const maven: Summariser = {
  name: 'maven',
  matches: callsOrScripts('mvn', 'mvnw', 'mvnd'),
  summarise(ran) {
    const build = lastMatch(ran.lines, /^\[INFO\] BUILD (SUCCESS|FAILURE)$/)?.match[1];
    if (build === undefined) return undefined;
    const errors = compileErrors(ran);
    const total = lastMatch(ran.lines, TOTAL);
    const [run, failed, inError, skipped] = [1, 2, 3, 4].map((index) => numberOf(total?.match[index])) as [number, number, number, number];
    const results = ran.lines.findLastIndex((line) => /^Results *:/.test(bare(line)));
    const problems = [...errors, ...(total === undefined || results === -1 ? [] : failedTests(ran, results, total.at))];
    const goal = ran.lines.find((line) => line.startsWith('[ERROR] Failed to execute goal '));
    if (problems.length === 0 && goal !== undefined) problems.push({ text: bare(goal) });
    if (build === 'FAILURE' && problems.length === 0) return undefined;
    return {
      troubles: build === 'FAILURE' ? 1 : 0,
      counts: counted({ compile_errors: errors.length, failed, errors: inError, passed: run - failed - inError - skipped, skipped }),
      problems,
    };
  },
};
