import { isUtf8 } from 'node:buffer';

export interface JsonLimits {
  /** Arrays and objects inside each other. */
  readonly depth: number;
  /** Values and keys in the whole document. */
  readonly elements: number;
}

/** Far above what any operation takes, far below what stalls the event loop. */
export const JSON_LIMITS: JsonLimits = { depth: 64, elements: 100_000 };

export type BoundedJson =
  | { readonly ok: true; readonly value: unknown }
  /** `syntax`: not JSON at all. `limit`: JSON, but not one that is accepted here. */
  | { readonly ok: false; readonly fault: 'syntax' | 'limit'; readonly message: string };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** Index after the string that starts at `open`; the end of the text when it never closes. */
const skipString = (bytes: Uint8Array, open: number): number => {
  let at = open + 1;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    at += byte === BACKSLASH ? 2 : 1;
  }
  return bytes.length;
};

/** One pass over the bytes, no allocation: what is wrong with the shape before anything is built from it. */
const shapeFault = (bytes: Uint8Array, limits: JsonLimits): string | undefined => {
  let depth = 0;
  let elements = 1;
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      continue;
    }
    if (OPENING.has(byte)) {
      depth += 1;
      if (depth > limits.depth) return `nested deeper than ${String(limits.depth)} levels`;
    } else if (CLOSING.has(byte)) depth -= 1;
    else if (byte === COMMA || byte === COLON) {
      elements += 1;
      if (elements > limits.elements) return `more than ${String(limits.elements)} keys and values`;
    }
    at += 1;
  }
  return undefined;
};

/** JSON.parse makes `__proto__` an own key, which a careless copy then turns into a prototype. Nobody needs it: refused. */
const hasProtoKey = (root: unknown): boolean => {
  const stack: unknown[] = [root];
  while (stack.length > 0) {
    const node = stack.pop();
    if (typeof node !== 'object' || node === null) continue;
    if (Object.hasOwn(node, '__proto__')) return true;
    for (const child of Object.values(node)) if (typeof child === 'object' && child !== null) stack.push(child);
  }
  return false;
};

/** Parses JSON from outside: strict UTF-8, bounded depth and element count, no `__proto__`. Never throws. */
export const parseBoundedJson = (bytes: Buffer, limits: JsonLimits = JSON_LIMITS): BoundedJson => {
  if (!isUtf8(bytes)) return { ok: false, fault: 'syntax', message: 'not valid UTF-8' };
  const fault = shapeFault(bytes, limits);
  if (fault !== undefined) return { ok: false, fault: 'limit', message: fault };
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { ok: false, fault: 'syntax', message: 'not valid JSON' };
  }
  if (hasProtoKey(value)) return { ok: false, fault: 'limit', message: 'the key "__proto__" is not accepted' };
  return { ok: true, value };
};
