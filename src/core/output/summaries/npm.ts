import { calls } from './calls.ts';
import { counted, type Summariser } from './summary.ts';
import { lastMatch, numberOf, trimmed } from './text.ts';

/** What npm says besides the reason. */
const NOISE = /A complete log of this run|For a full report see|\/_logs\/|^$/;

const actionOf = (line: string, action: string): number => numberOf(new RegExp(`\\b${action} (\\d+) package`).exec(line)?.[1]);

export const npm: Summariser = {
  name: 'npm',
  matches: calls('npm install', 'npm i', 'npm ci', 'npm add', 'npm update', 'npm uninstall', 'npm rm', 'npm audit'),
  summarise(ran) {
    const errors = ran.lines.flatMap((line) => /^npm (?:error|ERR!) ?(.*)$/.exec(line)?.[1] ?? []);
    if (errors.length > 0) {
      const code = /^code (\S+)$/.exec(errors.find((line) => line.startsWith('code ')) ?? '')?.[1];
      const said = errors
        .filter((line) => !line.startsWith('code ') && !NOISE.test(line))
        .map((line) => line.replace(/^(?:404|notarget|[A-Z]{5,}) (?=\S)/, ''));
      return {
        troubles: 1,
        counts: counted({ errors: 1 }),
        problems: [{ name: code, text: trimmed(said.filter((line) => line !== code && line !== '404')) }],
      };
    }
    const done = lastMatch(ran.lines, /^(?:added|removed|changed|up to date|audited)\b.*\bin \d/, 40)?.match.input;
    if (done === undefined) return undefined;
    const deprecated = ran.lines.flatMap((line) => /^npm (?:warn|WARN) deprecated (.*)$/.exec(line)?.[1] ?? []);
    const vulnerable = lastMatch(ran.lines, /^(\d+) (?:\w+ severity )?vulnerabilit(?:y|ies)/, 40)?.match;
    return {
      troubles: 0,
      counts: counted({
        added: actionOf(done, 'added'),
        removed: actionOf(done, 'removed'),
        changed: actionOf(done, 'changed'),
        deprecated: deprecated.length,
        vulnerabilities: numberOf(vulnerable?.[1]),
      }),
      problems: [
        ...(vulnerable === undefined ? [] : [{ text: vulnerable.input }]),
        ...deprecated.map((text) => ({ name: 'deprecated', text })),
      ],
    };
  },
};
