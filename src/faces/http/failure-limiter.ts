import { isIPv6 } from 'node:net';

const WINDOW_MS = 60_000;
const MAX_FAILURES = 20;
/** Sources remembered; the one that failed longest ago is forgotten first. */
const MAX_SOURCES = 4096;

export interface FailureLimiter {
  /** Seconds until this source may try again; 0 = now. */
  blockedFor(source: string): number;
  failed(source: string): void;
}

/** One household's addresses count as one: the upper half of an IPv6 address. IPv4 in IPv6 form is IPv4. */
const sourceKey = (address: string): string => {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  if (!isIPv6(plain)) return plain;
  const [head = ''] = plain.split('::');
  return head.split(':').slice(0, 4).join(':');
};

/**
 * Slows guessing: after 20 wrong tokens within a minute a source is refused, right token or not, until the minute is over. Behind a proxy
 * all clients are one source.
 */
export const createFailureLimiter = (now: () => number = () => performance.now()): FailureLimiter => {
  const sources = new Map<string, { count: number; since: number }>();
  const current = (key: string): { count: number; since: number } | undefined => {
    const entry = sources.get(key);
    if (entry !== undefined && now() - entry.since < WINDOW_MS) return entry;
    sources.delete(key);
    return undefined;
  };
  return {
    blockedFor: (source) => {
      const entry = current(sourceKey(source));
      return entry === undefined || entry.count < MAX_FAILURES ? 0 : Math.ceil((entry.since + WINDOW_MS - now()) / 1000);
    },
    failed: (source) => {
      const key = sourceKey(source);
      const entry = current(key);
      sources.delete(key);
      sources.set(key, entry === undefined ? { count: 1, since: now() } : { count: entry.count + 1, since: entry.since });
      const oldest = sources.keys().next();
      if (sources.size > MAX_SOURCES && oldest.done !== true) sources.delete(oldest.value);
    },
  };
};
