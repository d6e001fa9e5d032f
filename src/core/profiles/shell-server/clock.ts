import { parseIso } from '../../../lib/instant.ts';
import { mistake } from './texts.ts';

/** A moment, in ms since the epoch. With a time zone it is that moment; without, it is local time, as people write it. */
export const readInstant = (name: 'since' | 'until', value: unknown): number => {
  const moment = typeof value === 'string' ? parseIso(value) : undefined;
  if (moment === undefined) throw mistake(`'${name}' must be a valid ISO format datetime string (e.g. '2021-01-01T00:00:00')`);
  return moment;
};
