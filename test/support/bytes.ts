import fc from 'fast-check';

/** Any bytes, and text with bytes spoilt here and there. */
export const someBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Uint8Array.from(Buffer.from(text))),
  fc
    .array(fc.oneof(fc.constantFrom('\\x41', '\\x5c', '\\', 'é', '😀', '\n', 'plain '), fc.uint8Array({ maxLength: 2 })), { maxLength: 40 })
    .map((parts) => Uint8Array.from(Buffer.concat(parts.map((part) => Buffer.from(part as string))))),
);
