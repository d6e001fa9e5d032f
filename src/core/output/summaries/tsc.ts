import { callsOrScripts } from './calls.ts';
import { counted, type Problem, type Summariser } from './summary.ts';

/** As written to a file, and as written to a terminal. */
const DIAGNOSTIC = /^(?:(\S.*?)\((\d+),(\d+)\): |(\S.*?):(\d+):(\d+) - )?error (TS\d+): (.*)$/;

export const tsc: Summariser = {
  name: 'tsc',
  matches: callsOrScripts('tsc', 'tsgo', 'vue-tsc', 'tsserver'),
  summarise(ran) {
    const problems: Problem[] = [];
    let more = false;
    for (const line of ran.lines) {
      const found = DIAGNOSTIC.exec(line);
      if (found !== null) {
        const [, file = found[4], row = found[5], column = found[6], , , , name, text = ''] = found;
        problems.push({ name, at: file === undefined ? undefined : `${file}:${row}:${column}`, text });
      } else if (more && /^ {2,}\S/.test(line) && !/^ +\S+:\d+:\d+ - /.test(line)) {
        const last = problems.pop();
        if (last !== undefined) problems.push({ ...last, text: `${last.text}\n${line.trimEnd()}` });
      }
      more = found !== null || (more && /^ {2,}\S/.test(line));
    }
    if (problems.length === 0) return undefined;
    return { troubles: problems.length, counts: counted({ errors: problems.length }), problems };
  },
};
