import { calls } from './calls.ts';
import { counted, type Summariser } from './summary.ts';
import { lastMatch, numberOf } from './text.ts';

export const apt: Summariser = {
  name: 'apt-get',
  matches: calls('apt-get', 'apt', 'aptitude'),
  summarise(ran) {
    const errors = ran.lines.flatMap((line) => /^(?:E|dpkg: error.*?|dpkg-deb: error.*?): (.*)$/.exec(line)?.[1] ?? []);
    const warnings = ran.lines.flatMap((line) => /^W: (.*)$/.exec(line)?.[1] ?? []);
    const closing = lastMatch(
      ran.lines,
      /^(\d+) upgraded, (\d+) newly installed, (?:\d+ reinstalled, )?(?:\d+ downgraded, )?(\d+) to remove and \d+ not upgraded\.$/,
    )?.match;
    const fetched = lastMatch(ran.lines, /^Fetched .* in /)?.match;
    if (errors.length === 0 && closing === undefined && fetched === undefined) return undefined;
    return {
      troubles: errors.length,
      counts: counted({
        errors: errors.length,
        warnings: warnings.length,
        upgraded: numberOf(closing?.[1]),
        installed: numberOf(closing?.[2]),
        removed: numberOf(closing?.[3]),
        fetched: ran.lines.filter((line) => /^Get:\d+ /.test(line)).length,
      }),
      problems: [...errors.map((text) => ({ name: 'error', text })), ...warnings.map((text) => ({ name: 'warning', text }))],
    };
  },
};
