import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createContainment } from '../../../src/core/policy/containment.ts';
import { createSystemFacts } from '../../../src/core/policy/system-facts.ts';

const outer = realpathSync(mkdtempSync(join(tmpdir(), 'corral-containment-')));
const root = join(outer, 'root');
mkdirSync(join(root, 'sub'), { recursive: true });
writeFileSync(join(root, 'file'), '');
symlinkSync('sub', join(root, 'inside'));
symlinkSync(outer, join(root, 'outside'));
symlinkSync(join(outer, 'not-made-yet'), join(root, 'dangling'));
symlinkSync('not-made-either', join(root, 'dangling-inside'));
afterAll(() => rmSync(outer, { recursive: true, force: true }));

const { place } = createContainment([root], createSystemFacts());

describe('place', () => {
  it.each([
    ['file', 'file'],
    ['inside/new', 'sub/new'],
    ['new/deeper/file', 'new/deeper/file'],
    ['sub/../file', 'file'],
  ])('%s is %s', (path, real) => expect(place(path, root)).toEqual({ real: join(root, real) }));
  it.each(['outside/x', '../x', '/etc/passwd', 'missing/../../x'])('%s lies outside', (path) =>
    expect(place(path, root)).toHaveProperty('reason'),
  );
  it.each(['dangling', 'dangling/x', 'dangling-inside'])('%s leads to nothing yet, and so to wherever somebody makes it', (path) =>
    expect(place(path, root)).toHaveProperty('reason', expect.stringContaining('a link that leads to nothing')),
  );
});
