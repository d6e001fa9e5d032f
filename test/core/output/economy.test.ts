import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { condense, textOf } from '../../../src/core/output/condense.ts';
import { fold } from '../../../src/core/output/fold.ts';
import { plantedCorpus } from '../../support/planted.ts';
import { recordedProgress, recordedTools } from '../../support/recorded.ts';

const ROOT = join(import.meta.dirname, '../../..');

const condensed = async (text: string): Promise<string> => textOf((await condense(Buffer.from(text))).stretches);

/** What speaks of trouble or of a place in a file. */
const ANSWER = /error|warn|fail|assert|panic|exception|expected|[\w/-]\.\w{1,4}:\d/i;

describe('what is told once costs less and says the same', () => {
  test('every line that holds an answer is there, in noise of every recorded tool', async () => {
    let raw = 0;
    let shown = 0;
    for (const { name, text, planted } of plantedCorpus(ROOT, 60_000)) {
      const out = await condensed(text);
      const lines = new Set(out.split('\n'));
      expect(
        planted.filter((one) => !lines.has(one)),
        name,
      ).toEqual([]);
      raw += text.length;
      shown += out.length;
    }
    // The noise is most of it, and goes; the recordings themselves stay.
    expect(shown).toBeLessThan(raw * 0.5);
  });

  test('of what real tools print, every line that speaks of trouble stays, but those that the tool itself drew over', async () => {
    for (const { name, stdout, stderr } of [...recordedTools(ROOT), ...recordedProgress(ROOT)]) {
      const text = `${stdout.toString()}${stderr.toString()}`;
      const lines = new Set((await condensed(text)).split('\n'));
      for (const line of fold(text).split('\n')) if (ANSWER.test(line) && !/^\s*$/.test(line)) expect(lines, name).toContain(line);
    }
  });

  test.each([
    ['wget', /100%|98%/],
    ['wget-terminal', /100%/],
    ['curl', /^100 2929k/m],
    ['git-clone', /Receiving objects: 100% \(302\/302\).*done\./],
    ['dd', /62914560000 bytes/],
    ['tar', /tar: Write checkpoint \d+/],
    ['npm-terminal', /added \d+ packages/],
  ])('progress of %s is told by its last state', async (tool, last) => {
    const { stdout = Buffer.of(), stderr = Buffer.of() } = recordedProgress(ROOT).find(({ name }) => name === `progress/${tool}`) ?? {};
    const text = `${stdout.toString()}${stderr.toString()}`;
    const out = await condensed(text);
    expect(out).toMatch(last);
    // The control characters alone are most of some of them.
    expect(out.length).toBeLessThan(Math.max(500, text.length * 0.35));
  });
});
