import { callsOrScripts } from './calls.ts';
import { counted, type Problem, type Summariser } from './summary.ts';

/** What the compiler, vet and the module loader complain of: `file.go:line:col: message`, and lines of their own. */
export const goDiagnostics = (lines: readonly string[]): Problem[] => {
  const problems: Problem[] = [];
  let inside = false;
  for (const line of lines) {
    const found = /^(?:vet: )?(\S+\.go:\d+(?::\d+)?): (.*)$/.exec(line);
    if (found !== null) problems.push({ at: found[1], text: found[2] ?? '' });
    else if (inside && /^\t\S/.test(line)) {
      const last = problems.pop();
      if (last !== undefined) problems.push({ ...last, text: `${last.text}\n${line.trim()}` });
    } else if (/^go: (?!downloading|finding|found|added|upgraded|extracting|creating|to add)/.test(line))
      problems.push({ text: line.slice(4) });
    inside = found !== null || (inside && /^\t\S/.test(line));
  }
  return problems;
};

export const goBuild: Summariser = {
  name: 'go',
  matches: callsOrScripts('go build', 'go vet', 'go run', 'go install', 'go get', 'go mod', 'go generate', 'go'),
  summarise(ran) {
    const problems = goDiagnostics(ran.lines);
    const downloaded = ran.lines.filter((line) => line.startsWith('go: downloading ')).length;
    const added = ran.lines.filter((line) => /^go: (?:added|upgraded) /.test(line)).length;
    const known = ran.lines.some((line) => /^# \S+|^go: /.test(line));
    if (!known) return undefined;
    return { troubles: problems.length, counts: counted({ errors: problems.length, downloaded, added }), problems };
  },
};
