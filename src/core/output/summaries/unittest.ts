import { calls, callsOrScripts } from './calls.ts';
import { counted, type Summariser } from './summary.ts';
import { blocks, lastMatch, numberOf, trimmed } from './text.ts';

const numberIn = (text: string, name: string): number => numberOf(new RegExp(`\\b${name}=(\\d+)`).exec(text)?.[1]);

const direct = calls('unittest');

export const unittest: Summariser = {
  name: 'unittest',
  matches: callsOrScripts('unittest', 'manage.py', 'python', 'python3'),
  summarise(ran) {
    const closing = lastMatch(ran.lines, /^(?:OK|FAILED|NO TESTS RAN)(?: \(([^)]*)\))?$/, 200);
    const total = lastMatch(ran.lines, /^Ran (\d+) tests? in /, 200);
    if (closing === undefined || total === undefined || closing.at - total.at > 3 || closing.at < total.at) return undefined;
    if (!direct(ran.command) && !ran.lines.includes('-'.repeat(70))) return undefined;
    const said = closing.match[1] ?? '';
    const [failed, errors, skipped] = [numberIn(said, 'failures'), numberIn(said, 'errors'), numberIn(said, 'skipped')];
    const troubles = failed + errors + numberIn(said, 'unexpected successes');
    if (troubles > 0 !== closing.match[0].startsWith('FAILED')) return undefined;
    const problems = blocks(ran.lines, /^(?:ERROR|FAIL): (\S+)(?: \((.*)\))?$/, /^={70}$|^Ran \d+ tests? in /).map(({ match, lines }) => {
      const place = lastMatch(lines, /^ {2}File "(.+)", line (\d+)/)?.match;
      const last = lines.findLastIndex((line) => /^ {2,}/.test(line));
      return {
        name: match[2] ?? match[1],
        at: place === null || place === undefined ? undefined : `${place[1]}:${place[2]}`,
        text: trimmed(lines.slice(Math.max(0, last)).filter((line) => !/^-{70}$/.test(line))),
      };
    });
    const passed = numberOf(total.match[1]) - failed - errors - skipped;
    return { troubles, counts: counted({ failed, errors, passed, skipped }), problems };
  },
};
