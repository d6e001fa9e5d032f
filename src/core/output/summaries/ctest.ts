import { callsOrScripts } from './calls.ts';
import { counted, type Summariser } from './summary.ts';
import { lastMatch, numberOf, trimmed } from './text.ts';

export const ctest: Summariser = {
  name: 'ctest',
  matches: callsOrScripts('ctest', 'cmake'),
  summarise(ran) {
    const closing = lastMatch(ran.lines, /^\d+% tests passed, (\d+) tests? failed out of (\d+)$/);
    if (closing === undefined) return undefined;
    const [failed, total] = [numberOf(closing.match[1]), numberOf(closing.match[2])];
    const problems = ran.lines.slice(closing.at).flatMap((line) => {
      const found = /^\t *\d+ - (\S+) \((.+)\)/.exec(line);
      if (found === null) return [];
      const [, name = '', how = ''] = found;
      const from = ran.lines.findIndex((one) => one.includes(`: ${name} ..`));
      const said = from === -1 ? [] : ran.lines.slice(from + 1, closing.at);
      const end = said.findIndex((one) => /^ *Start +\d+: |^ *\d+\/\d+ Test +#/.test(one));
      return [{ name, text: [how, trimmed(said.slice(0, end === -1 ? undefined : end))].filter((part) => part !== '').join('\n') }];
    });
    return { troubles: failed, counts: counted({ failed, passed: total - failed }), problems };
  },
};
