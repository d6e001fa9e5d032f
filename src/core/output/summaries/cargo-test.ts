import { callsOrScripts } from './calls.ts';
import { counted, type Summariser } from './summary.ts';
import { blocks, numberOf, trimmed } from './text.ts';

const RESULT = /^test result: (?:ok|FAILED)\. (\d+) passed; (\d+) failed; (\d+) ignored; /;

export const cargoTest: Summariser = {
  name: 'cargo test',
  matches: callsOrScripts('cargo test', 'cargo t', 'cargo'),
  summarise(ran) {
    const results = ran.lines.map((line) => RESULT.exec(line)).filter((found) => found !== null);
    const sum = (index: number): number => results.reduce((total, found) => total + numberOf(found[index]), 0);
    const failed = sum(2);
    if (results.length === 0) return undefined;
    const problems = blocks(ran.lines, /^---- (.+) std(?:out|err) ----$/, /^(?:failures:|test result: .*)$/).map(({ match, lines }) => {
      const place = lines.map((line) => /panicked at (?:'.*', )?([^\s:]+:\d+:\d+)/.exec(line)?.[1]).find((found) => found !== undefined);
      const kept = lines.filter((line) => !line.startsWith('note: run with `RUST_BACKTRACE'));
      const stack = kept.indexOf('stack backtrace:');
      return { name: match[1], at: place, text: trimmed(stack === -1 ? kept : kept.slice(0, stack)) };
    });
    return { troubles: failed, counts: counted({ failed, passed: sum(1), ignored: sum(3) }), problems: failed > 0 ? problems : [] };
  },
};
