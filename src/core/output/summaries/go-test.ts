import { callsOrScripts } from './calls.ts';
import { goDiagnostics } from './go-build.ts';
import { counted, type Problem, type Summariser } from './summary.ts';
import { trimmed } from './text.ts';

const RESULT = /^( *)--- (PASS|FAIL|SKIP): (\S+) \([\d.]+s\)$/;
const PACKAGE = /^(ok {2}|FAIL|---|\?  ) *\t(\S+)(?:\t| )(.*)$/;

interface Failure {
  readonly name: string;
  readonly lines: string[];
}

/** Failed tests; what they said stands behind the result, or before it with -v. */
const failuresOf = (lines: readonly string[]): { readonly failures: readonly Failure[]; readonly results: ReadonlyMap<string, number> } => {
  const failures: Failure[] = [];
  const results = new Map<string, number>();
  const said = new Map<string, string[]>();
  let running: string | undefined;
  let behind: Failure | undefined;
  let panic: string[] | undefined;
  for (const line of lines) {
    const result = RESULT.exec(line);
    const run = /^=== (?:RUN|CONT|NAME) +(\S+)$/.exec(line);
    if (run !== null) {
      running = run[1];
      behind = undefined;
    } else if (result !== null) {
      const [, , how = '', name = ''] = result;
      results.set(how, (results.get(how) ?? 0) + 1);
      behind = how === 'FAIL' ? { name, lines: [...(said.get(name) ?? [])] } : undefined;
      if (behind !== undefined) failures.push(behind);
      running = undefined;
    } else if (PACKAGE.test(line) || /^(?:PASS|FAIL|exit status \d+)$/.test(line)) {
      behind = undefined;
      running = undefined;
      panic = undefined;
    } else if (/^panic: |^fatal error: /.test(line)) {
      panic = behind?.lines ?? failures.at(-1)?.lines;
      if (panic === undefined) failures.push({ name: running ?? 'panic', lines: (panic = []) });
      panic.push(line);
    } else if (panic !== undefined) {
      // Of the stack, the files that are not Go's own.
      if (/^\t(?!.*\/src\/(?:testing|runtime)\/).*\.go:\d+/.test(line)) panic.push(line.trim());
    } else if (behind !== undefined) behind.lines.push(line);
    else if (running !== undefined) said.set(running, [...(said.get(running) ?? []).slice(-40), line]);
  }
  return { failures, results };
};

const problemOf = ({ name, lines }: Failure, others: readonly Failure[]): Problem[] => {
  const text = trimmed(lines);
  // A test whose subtests failed says nothing of its own.
  if (text === '' && others.some((other) => other.name.startsWith(`${name}/`))) return [];
  return [{ name, at: /([\w./-]+\.go:\d+)/.exec(text)?.[1], text }];
};

export const goTest: Summariser = {
  name: 'go test',
  matches: callsOrScripts('go test', 'go', 'gotestsum'),
  summarise(ran) {
    const packages = ran.lines.map((line) => PACKAGE.exec(line)).filter((found) => found !== null);
    if (packages.length === 0) return undefined;
    const { failures, results } = failuresOf(ran.lines);
    const failed = packages.filter(([, how]) => how === 'FAIL');
    const broken = failed.filter(([, , , why = '']) => /\[(?:build|setup) failed\]/.test(why));
    return {
      troubles: failed.length,
      counts: counted({
        failed: results.get('FAIL'),
        failed_packages: failed.length,
        unbuilt_packages: broken.length,
        passed: results.get('PASS'),
        skipped: results.get('SKIP'),
        passed_packages: packages.filter(([, how = '']) => how.startsWith('ok')).length,
      }),
      problems: [...goDiagnostics(ran.lines), ...failures.flatMap((failure) => problemOf(failure, failures))],
    };
  },
};
