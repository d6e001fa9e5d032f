import * as z from 'zod/v4';
import { ARGUMENT_BYTES, noNul } from '../../executions/input.ts';
import { exception } from './texts.ts';

/** A month: whoever waits longer does not wait. */
const LONGEST_SECONDS = 2_592_000;

/** As a Python server reads an int: a number in a string will do, and null is as good as nothing where there is a default. */
export const integer = z.union([
  z.int(),
  z
    .string()
    .regex(/^\s*[-+]?\d{1,15}\s*$/, 'is not a number')
    .transform(Number),
]);
export const optionalInteger = integer.nullish();
export const flag = z.boolean().nullish();
export const optionalText = z.string().refine(noNul, 'must not contain NUL').nullish();

export const commandText = z
  .string()
  .refine(noNul, 'must not contain NUL')
  .refine((text) => Buffer.byteLength(text) <= ARGUMENT_BYTES, `holds at most ${String(ARGUMENT_BYTES)} bytes`);

export const outputType = z.string().nullish();

export type OutputType = 'stdout' | 'stderr' | 'both';

export const readOutputType = (given: string | null | undefined): OutputType => {
  const wanted = (given ?? 'both').toLowerCase();
  if (wanted === 'stdout' || wanted === 'stderr' || wanted === 'both') return wanted;
  throw exception(`'${wanted}' is not a valid OutputType`);
};

/** `timeout` is the older name of `wait_time`. */
export const waitFields = { timeout: optionalInteger, wait_time: optionalInteger } as const;

const STANDARD_SECONDS = 30;

/** Seconds to wait for the end; less than nothing is nothing. */
export const readWait = (given: { readonly timeout?: number | null | undefined; readonly wait_time?: number | null | undefined }): number =>
  Math.min(Math.max(given.wait_time ?? given.timeout ?? STANDARD_SECONDS, 0), LONGEST_SECONDS);
