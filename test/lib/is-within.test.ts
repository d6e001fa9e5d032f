import { expect, test } from 'vitest';
import { isWithin } from '../../src/lib/is-within.ts';

test.each([
  ['/a', '/a', true],
  ['/a/b', '/a', true],
  ['/a/b', '/', true],
  ['/', '/', true],
  ['/ab', '/a', false],
  ['/', '/a', false],
  ['/a', '/a/b', false],
])('%s within %s: %s', (path, root, answer) => expect(isWithin(path, root)).toBe(answer));
