import { describe, expect, test } from 'vitest';
import { parseDuration, parseInstant, parseIso } from '../../src/lib/instant.ts';
import { formatTime } from '../../src/lib/strftime.ts';

const NOW = Date.UTC(2026, 10, 28, 14, 0, 0);
const clocks = { now: NOW, start: NOW - 60_000, zone: 'utc' } as const;

describe('a moment', () => {
  test.each<[string, number]>([
    ['2026-11-28T13:59:00Z', NOW - 60_000],
    ['2026-11-28T14:59:00+01:00', NOW - 60_000],
    ['2026-11-28 13:59', NOW - 60_000],
    ['2026-11-28', Date.UTC(2026, 10, 28)],
    ['1795874400', 1_795_874_400_000],
    ['1795874400.5', 1_795_874_400_500],
    ['1795874400123', 1_795_874_400_123],
    ['5m', NOW - 300_000],
    ['1h30m', NOW - 5_400_000],
    ['1.5s', NOW - 1_500],
    ['250ms ago', NOW - 250],
    ['2w', NOW - 14 * 86_400_000],
    ['+2s', NOW - 58_000],
    ['+100ms', NOW - 59_900],
  ])('%s', (text, ms) => {
    expect(parseInstant(text, clocks)).toBe(ms);
  });

  test.each([
    '',
    'now',
    '5',
    '5x',
    'm5',
    '-5m',
    '5 m',
    '+',
    '+5',
    '2026-13-01',
    '2026-11-28T25:00Z',
    '1e12',
    '99999999999999999999',
    '1h30',
    '٣m',
  ])('%j is none', (text) => expect(parseInstant(text, clocks)).toBeUndefined());

  test('after a start needs one', () => expect(parseInstant('+2s', { now: NOW, zone: 'utc' })).toBeUndefined());

  test('without a zone is in the one that is asked for', () => {
    expect(parseIso('2026-11-28T14:00', 'utc')).toBe(NOW);
    expect(parseIso('2026-11-28T14:00', 'local')).toBe(new Date(2026, 10, 28, 14).getTime());
  });

  test('a duration of a hostile length is none, at once', () => expect(parseDuration('1s'.repeat(50_000))).toBeUndefined());
});

describe('a time as text', () => {
  const at = new Date(NOW + 45);
  test.each([
    ['%Y-%m-%dT%H:%M:%S.%LZ', '2026-11-28T14:00:00.045Z'],
    ['%H:%M:%S.%f %z %:z', '14:00:00.045000 +0000 +00:00'],
    ['%s %j %a %b', '1795874400 332 Sat Nov'],
    ['%q %', '%q %'],
  ])('%s in UTC', (format, text) => expect(formatTime(format, at, 'utc')).toBe(text));

  test('in the zone of the machine has its offset, also over a change of the clock', () => {
    const before = process.env['TZ'];
    process.env['TZ'] = 'Europe/Berlin';
    try {
      expect(formatTime('%H:%M:%S%:z', at)).toBe('15:00:00+01:00');
      expect(formatTime('%H:%M%z', new Date(Date.UTC(2026, 6, 1, 12)))).toBe('14:00+0200');
      process.env['TZ'] = 'America/St_Johns';
      expect(formatTime('%H:%M%:z', at)).toBe('10:30-03:30');
    } finally {
      if (before === undefined) delete process.env['TZ'];
      else process.env['TZ'] = before;
    }
  });

  test('that is none leaves the format', () => expect(formatTime('%Y', new Date(Number.NaN))).toBe('%Y'));
});
