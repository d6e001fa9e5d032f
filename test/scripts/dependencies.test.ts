import { describe, expect, it } from 'vitest';
import { isInstalled } from '../../scripts/lib/dependencies.mjs';

const LOCK = {
  packages: {
    '': { name: 'corral' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/mac-only': { version: '1.0.0', integrity: 'sha512-m', optional: true },
  },
};
const record = (packages: Record<string, unknown>) => ({ packages });
const A = LOCK.packages['node_modules/a'];

describe('whether npm ci is needed', () => {
  it('is not when all is there but what belongs to other platforms', () => {
    expect(isInstalled(LOCK, record({ 'node_modules/a': A }))).toBe(true);
  });

  it.each([
    ['nothing was installed', undefined],
    ['the record is torn', {}],
    ['a package is missing', record({})],
    ['a package has another version', record({ 'node_modules/a': { ...A, version: '1.0.1' } })],
    ['a package has other contents', record({ 'node_modules/a': { ...A, integrity: 'sha512-b' } })],
    ['a package is there that the lock does not know', record({ 'node_modules/a': A, 'node_modules/b': A })],
  ])('is when %s', (_name, installed) => {
    expect(isInstalled(LOCK, installed)).toBe(false);
  });
});
