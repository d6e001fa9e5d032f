import { createHmac, type KeyObject } from 'node:crypto';
import type { AuditEvent } from '../../ports/audit.ts';

/**
 * One line: `{"mac":"…","seq":…,"at":"…","prev":"…","event":{…}}`. The mark covers the bytes of the line behind it, so nothing has to be
 * written twice alike; `prev` is the mark of the line before, and of the name of the chain for the first.
 */
export const MAC_SIGNS = 64;
const HEAD = '{"mac":"';
/** Before the part that the mark covers. */
export const PREFIX_SIGNS = HEAD.length + MAC_SIGNS + 2;
/** No line that Corral writes is longer, in UTF-8 bytes. */
export const MAX_LINE_BYTES = 256 * 1024;

export interface Line {
  readonly mac: string;
  readonly seq: number;
  readonly at: string;
  readonly prev: string;
  readonly event: AuditEvent;
}

/** JSON leaves these as they are; a terminal or an editor would obey some of them or take them for the end of a line. */
const UNSEEN = /[\u007F-\u009F\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]|\uDB40[\uDC00-\uDFFF]/g;

const escapeSign = (signs: string): string => {
  let escaped = '';
  for (let i = 0; i < signs.length; i += 1) escaped += `\\u${signs.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return escaped;
};

export const macOf = (key: KeyObject, text: string): string => createHmac('sha256', key).update(text).digest('hex');

/** What the first line of a chain is bound to. */
export const chainStart = (key: KeyObject, chain: string): string => macOf(key, `corral audit chain ${chain}`);

/** Tells keys apart without telling anything about them. */
export const keyName = (key: KeyObject): string => macOf(key, 'corral audit key').slice(0, 16);

export const formatLine = (
  key: KeyObject,
  seq: number,
  at: string,
  prev: string,
  event: AuditEvent,
): { readonly line: string; readonly mac: string } => {
  const covered = `"seq":${seq},"at":"${at}","prev":"${prev}","event":${JSON.stringify(event).replace(UNSEEN, escapeSign)}}`;
  const mac = macOf(key, covered);
  return { line: `${HEAD}${mac}",${covered}\n`, mac };
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The fields of a line, without its newline; undefined when it is none of ours. Says nothing about its mark. */
export const parseLine = (text: string): Line | undefined => {
  if (!text.startsWith(HEAD)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { mac, seq, at, prev, event } = value;
  if (typeof mac !== 'string' || typeof prev !== 'string' || typeof at !== 'string' || !Number.isSafeInteger(seq) || !isObject(event))
    return undefined;
  return { mac, prev, at, seq: seq as number, event: event as unknown as AuditEvent };
};

/** Bears the line the mark of this key? `text` is the line as it was read, without its newline. */
export const isGenuine = (key: KeyObject, text: string, mac: string): boolean =>
  text.startsWith(`${HEAD}${mac}",`) && macOf(key, text.slice(PREFIX_SIGNS)) === mac;
