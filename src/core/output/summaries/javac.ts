import { callsOrScripts } from './calls.ts';
import { counted, type Summariser } from './summary.ts';
import { blocks, lastMatch, numberOf, trimmed } from './text.ts';

export const javac: Summariser = {
  name: 'javac',
  matches: callsOrScripts('javac', 'ant', 'gradle', 'gradlew', 'java'),
  summarise(ran) {
    const errors = numberOf(lastMatch(ran.lines, /^(\d+) errors?$/, 100)?.match[1]);
    const warnings = numberOf(lastMatch(ran.lines, /^(\d+) warnings?$/, 100)?.match[1]);
    if (errors + warnings === 0) return undefined;
    const found = blocks(ran.lines, /^(\S.*\.java:\d+): (error|warning): (.*)$/, /^\d+ (?:errors?|warnings?)$/).map(({ match, lines }) => ({
      name: match[2],
      at: match[1],
      text: [match[3], trimmed(lines)].filter((part) => part !== '').join('\n'),
    }));
    const isError = ({ name }: { readonly name?: string | undefined }): boolean => name === 'error';
    return {
      troubles: errors,
      counts: counted({ errors, warnings }),
      problems: [...found.filter(isError), ...found.filter((one) => !isError(one))],
    };
  },
};
