import type { KeyObject } from 'node:crypto';
import { macOf } from './line.ts';

/** How far a chain had come, kept beside it: what is cut off its end is missed. */
export interface Head {
  readonly chain: string;
  readonly segment: number;
  readonly seq: number;
  /** Mark of the line `seq`. */
  readonly last: string;
  readonly at: string;
}

/** Segments whose last line is not younger may have been removed by age or size. */
export interface Watermark {
  readonly before: string;
}

const sealed = (key: KeyObject, purpose: string, value: object): string => {
  const text = JSON.stringify(value);
  return `${JSON.stringify({ mac: macOf(key, `${purpose} ${text}`), value: text })}\n`;
};

/** The value when it bears the mark of the key, and null when it does not. */
const unsealed = <T>(key: KeyObject, purpose: string, text: string): T | null => {
  try {
    const { mac, value } = JSON.parse(text) as { mac: unknown; value: unknown };
    return typeof value === 'string' && macOf(key, `${purpose} ${value}`) === mac ? (JSON.parse(value) as T) : null;
  } catch {
    return null;
  }
};

const HEAD = 'corral audit head';
const WATERMARK = 'corral audit retention';

export const sealHead = (key: KeyObject, head: Head): string => sealed(key, HEAD, head);
export const unsealHead = (key: KeyObject, text: string): Head | null => unsealed<Head>(key, HEAD, text);
export const sealWatermark = (key: KeyObject, watermark: Watermark): string => sealed(key, WATERMARK, watermark);
export const unsealWatermark = (key: KeyObject, text: string): Watermark | null => unsealed<Watermark>(key, WATERMARK, text);
