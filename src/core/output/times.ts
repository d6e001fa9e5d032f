import { parseInstant } from '../../lib/instant.ts';
import type { Zone } from '../../lib/strftime.ts';
import { CorralError } from '../../ports/errors.ts';
import type { Stamp } from './presenter.ts';

/** Times in requests for output. */

/** What a request may say of times. Of those that name no zone, and of what is shown, `zone` is the zone. */
export interface TimeRequest {
  readonly since?: string | number | undefined;
  readonly until?: string | number | undefined;
  readonly startedMs: number;
  readonly zone: Zone;
  readonly now: number;
}

/** Milliseconds; the zone told, so that nobody has to guess. */
const STAMPS: Readonly<Record<Zone, string>> = { utc: '%Y-%m-%dT%H:%M:%S.%LZ ', local: '%Y-%m-%dT%H:%M:%S.%L%:z ' };
const LONGEST_FORMAT = 100;

const afterStart = (name: 'since' | 'until', value: string | number | undefined, request: TimeRequest): number | undefined => {
  if (value === undefined) return undefined;
  const { startedMs, zone, now } = request;
  const moment = parseInstant(String(value), { now, start: startedMs, zone });
  if (moment !== undefined) return moment - startedMs;
  throw new CorralError('invalid_input', `${name}: ${JSON.stringify(value)} is no time.`, {
    hint: 'Write "2026-11-28T14:00:00Z", seconds since 1970, "5m" (so long ago), or "+2s" (so long after the start).',
  });
};

/** In ms after the start of the execution, as pages want it; negative before it. Throws `invalid_input`. */
export const timeBounds = (request: TimeRequest): { readonly sinceMs: number | undefined; readonly untilMs: number | undefined } => {
  const sinceMs = afterStart('since', request.since, request);
  const untilMs = afterStart('until', request.until, request);
  if (sinceMs !== undefined && untilMs !== undefined && untilMs < sinceMs)
    throw new CorralError('invalid_input', 'until lies before since.');
  return { sinceMs, untilMs };
};

/** `true`: the standard stamp. A blank stands between a stamp and its line. Throws `invalid_input` for a format that is too long. */
export const stampOf = (wanted: boolean | string | undefined, startedMs: number, zone: Zone): Stamp | undefined => {
  if (wanted === undefined || wanted === false) return undefined;
  if (typeof wanted === 'string' && wanted.length > LONGEST_FORMAT)
    throw new CorralError('invalid_input', `A time format has at most ${String(LONGEST_FORMAT)} characters.`);
  if (wanted === true) return { format: STAMPS[zone], zone, startedMs };
  return { format: /\s$/.test(wanted) ? wanted : `${wanted} `, zone, startedMs };
};
