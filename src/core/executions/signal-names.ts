import { constants } from 'node:os';
import { CorralError } from '../../ports/errors.ts';

/** Those that a program may be sent, in the order of their numbers; each number once. */
const SIGNALS: ReadonlyMap<string, number> = new Map(
  Object.entries(constants.signals)
    .toSorted(([, one], [, other]) => one - other)
    .filter(([, number], index, all) => all.findIndex(([, same]) => same === number) === index),
);

/** `TERM`, `sigterm`, `SIGTERM` and `15` are all SIGTERM. Throws `invalid_input` with the names that there are. */
export const signalNamed = (text: string): { readonly name: NodeJS.Signals; readonly number: number } => {
  const word = text.trim().toUpperCase();
  const byNumber = /^\d{1,3}$/.test(word) ? [...SIGNALS].find(([, number]) => number === Number(word))?.[0] : undefined;
  const name = byNumber ?? `SIG${word.replace(/^SIG/, '')}`;
  const number = SIGNALS.get(name) ?? (constants.signals as Readonly<Record<string, number | undefined>>)[name];
  if (number !== undefined) return { name: name as NodeJS.Signals, number };
  throw new CorralError('invalid_input', `signal: there is no signal ${JSON.stringify(text.slice(0, 64))}.`, {
    hint: `Use one of ${[...SIGNALS.keys()].join(', ')}.`,
  });
};
