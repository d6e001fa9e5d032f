import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fold } from '../../../src/core/output/fold.ts';

describe('folding', () => {
  test.each([
    ['plain text stays', 'a\tb\n\nc é 😀\n', 'a\tb\n\nc é 😀\n'],
    ['colours go', '\u001b[1;31mred\u001b[0m and \u001b[38;2;1;2;3mmore\u001b[m\n', 'red and more\n'],
    ['titles and links go', '\u001b]0;title\u0007a \u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\ b', 'a link b'],
    ['charset and keypad switches go', '\u001b(Bx\u001b=\u001b>y', 'xy'],
    ['line ends of another world', 'one\r\ntwo\r\n', 'one\ntwo\n'],
    ['progress shows its last state', ' 10%\r 50%\r100%\n', '100%\n'],
    ['a shorter state leaves what it does not cover, as a terminal does', '100%\r50\n', '500%\n'],
    ['erased to the end of the line', 'downloading 10%\r\u001b[Kdone\n', 'done\n'],
    ['erased as a whole', 'abc\u001b[2K\rdone\n', 'done\n'],
    ['backspaces', 'spin |\b/\b-\b\\\n', 'spin \\\n'],
    ['progress that is not finished', 'a\n 10%\r 20%\r', 'a\n 20%'],
    ['other controls are named', 'a\u0000b\u0001c\u007f\u000b', 'a\\x00b\\x01c\\x7f\\x0b'],
    ['the bell is silent', 'a\u0007b', 'ab'],
    ['a sequence that is cut off goes', 'a\u001b[31', 'a'],
    ['8-bit controls', '\u009b31mred\u009b0m', 'red'],
    ['wide characters are one cell', '😀😀\rab', 'ab'],
  ])('%s', (_, from, to) => {
    expect(fold(from)).toBe(to);
  });

  test('never leaves a control character, keeps the number of lines, and is done at once', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('\u001b', '[', ']', 'K', '2', ';', 'm', '\r', '\b', '\n', 'a', '😀', '\u009b', '\u0007', '\\', '\0'),
          maxLength: 80,
        }),
        (text) => {
          const folded = fold(text);
          expect(folded).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f]/);
          expect(folded.split('\n').length).toBe(text.split('\n').length);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['one long line overwritten again and again', `${'x'.repeat(300_000)}${'\ry'.repeat(100_000)}`],
    ['erased and written far to the right', `${'x'.repeat(300_000)}${'\u001b[2Kz'.repeat(50_000)}`],
    ['unfinished sequences', '\u001b[0000000'.repeat(50_000)],
    ['unfinished titles', '\u001b]0;'.repeat(100_000)],
  ])('hostile output does not hold the event loop: %s', (_, text) => {
    const begun = process.cpuUsage();
    fold(text);
    expect(process.cpuUsage(begun).user / 1_000).toBeLessThan(1_000);
  });
});
