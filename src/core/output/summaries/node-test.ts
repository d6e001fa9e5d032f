import { calls, callsOrScripts } from './calls.ts';
import { counted, type Problem, type Summariser } from './summary.ts';
import { blocks, lastMatch, numberOf, trimmed } from './text.ts';

const COUNTS = ['tests', 'pass', 'fail', 'cancelled', 'skipped', 'todo'] as const;

/** The YAML beneath `not ok`, as far as it is of use. */
const ofTap = (lines: readonly string[]): Problem[] =>
  blocks(lines, /^( *)not ok \d+ - (.*)$/, /^ *(?:ok \d|\.\.\.$|# Subtest)/).flatMap(({ match, lines: body }) => {
    if (
      / # (?:SKIP|TODO)\b/.test(match[2] ?? '') ||
      body.some((line) => /failureType: '(?:subtestsFailed|hookFailed)'/.test(line) && /subtests/.test(line))
    )
      return [];
    const at = /location: '(.*)'/.exec(body.join('\n'))?.[1];
    const from = body.findIndex((line) => /^ *error: /.test(line));
    const to = body.findIndex((line, index) => index > from && /^ *(?:code|name|stack|expected): /.test(line));
    const error = from === -1 ? [] : body.slice(from, to === -1 ? undefined : to);
    const [first = '', ...others] = error;
    const inline = first.replace(/^ *error: (?:\|-|'?(.*?)'?)$/, '$1');
    return [{ name: match[2], at, text: trimmed(inline.trim() === '' ? others : [inline, ...others]) }];
  });

const ofSpec = (lines: readonly string[]): Problem[] => {
  const from = lines.findLastIndex((line) => /^✖ failing tests:$/.test(line));
  return blocks(lines.slice(from + 1), /^(?:test at (.*)|✖ (.*?)(?: \([\d.]+ms\))?)$/).reduce<Problem[]>(
    (problems, { match, lines: body }) => {
      if (match[1] !== undefined) problems.push({ at: match[1], text: '' });
      else {
        const place = problems.at(-1);
        const end = body.findIndex((line) => /^\s+at |^\s*$/.test(line) && !/^ {2}$/.test(line));
        const text = trimmed(body.slice(0, end === -1 ? undefined : end));
        if (place?.name === undefined) problems.splice(-1, 1, { ...place, name: match[2], text });
      }
      return problems;
    },
    [],
  );
};

const direct = calls('node');

export const nodeTest: Summariser = {
  name: 'node --test',
  matches: callsOrScripts('node'),
  summarise(ran) {
    const values = new Map(
      COUNTS.map((word) => [word, lastMatch(ran.lines, new RegExp(`^(?:#|ℹ) ${word} (\\d+)$`), 400)?.match[1]] as const),
    );
    if (COUNTS.some((word) => values.get(word) === undefined)) return undefined;
    if (!(direct(ran.command) && ran.command.includes('--test')) && !ran.lines.some((line) => /^(?:#|ℹ) duration_ms /.test(line)))
      return undefined;
    const [failed, cancelled] = [numberOf(values.get('fail')), numberOf(values.get('cancelled'))];
    const tap = ran.lines.some((line) => line.startsWith('TAP version'));
    return {
      troubles: failed + cancelled,
      counts: counted({
        failed,
        cancelled,
        passed: numberOf(values.get('pass')),
        skipped: numberOf(values.get('skipped')),
        todo: numberOf(values.get('todo')),
      }),
      problems: failed + cancelled === 0 ? [] : tap ? ofTap(ran.lines) : ofSpec(ran.lines),
    };
  },
};
