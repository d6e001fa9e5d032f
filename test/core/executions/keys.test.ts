import { describe, expect, it } from 'vitest';
import { keyBytes, type KeyTarget } from '../../../src/core/executions/keys.ts';

const TERMINAL: KeyTarget = { on: 'terminal', applicationCursor: false };
const APPLICATION: KeyTarget = { on: 'terminal', applicationCursor: true };
const PIPE: KeyTarget = { on: 'pipe', applicationCursor: false };

const sent = (keys: string, target = TERMINAL): string => keyBytes(keys, target).toString();

describe('keys by name', () => {
  it.each([
    ['<C-c>', '\u0003'],
    ['<c-C>', '\u0003'],
    ['<C-\\>', '\u001c'],
    ['<C-]>', '\u001d'],
    ['<C-Space>', '\0'],
    ['<C-?>', '\u007f'],
    ['<CR>', '\r'],
    ['<Enter>', '\r'],
    ['<NL>', '\n'],
    ['<Tab>', '\t'],
    ['<S-Tab>', '\u001b[Z'],
    ['<Esc>', '\u001b'],
    ['<BS>', '\u007f'],
    ['<Del>', '\u001b[3~'],
    ['<lt>', '<'],
    ['<Up>', '\u001b[A'],
    ['<UP>', '\u001b[A'],
    ['<C-Left>', '\u001b[1;5D'],
    ['<S-M-Right>', '\u001b[1;4C'],
    ['<Home>', '\u001b[H'],
    ['<PageUp>', '\u001b[5~'],
    ['<C-PageDown>', '\u001b[6;5~'],
    ['<F1>', '\u001bOP'],
    ['<S-F1>', '\u001b[1;2P'],
    ['<F5>', '\u001b[15~'],
    ['<F6>', '\u001b[17~'],
    ['<F12>', '\u001b[24~'],
    ['<M-x>', '\u001bx'],
    ['<A-X>', '\u001bX'],
    ['<M-CR>', '\u001b\r'],
    ['<C-M-a>', '\u001b\u0001'],
    ['<S-a>', 'A'],
    ['<PasteStart>', '\u001b[200~'],
  ])('%s', (keys, bytes) => expect(sent(keys)).toBe(bytes));

  it.each([
    ['enter', '\r'],
    ['return', '\r'],
    ['Escape', '\u001b'],
    ['backspace', '\u007f'],
    ['pagedown', '\u001b[6~'],
    ['ctrl-c', '\u0003'],
    ['control-D', '\u0004'],
    ['c-[', '\u001b'],
    ['ctrl-left', '\u001b[1;5D'],
    ['alt-f', '\u001bf'],
    ['q', 'q'],
    ['ä', 'ä'],
    ['-', '-'],
    ['<', '<'],
  ])('without brackets: %s', (keys, bytes) => expect(sent(keys)).toBe(bytes));

  it.each([
    ['<Esc>:wq<CR>', '\u001b:wq\r'],
    ['ggdG<C-v>x<Up>', 'ggdG\u0016x\u001b[A'],
    ['if a < b && b > c<CR>', 'if a < b && b > c\r'],
    ['cat <lt>file<CR>', 'cat <file\r'],
    ['<C-lt>', '<'],
  ])('in a sequence: %s', (keys, bytes) => expect(sent(keys)).toBe(bytes));

  it('cursor keys take the form that the program asked for, unless they are modified', () => {
    expect(sent('<Up><Home>', APPLICATION)).toBe('\u001bOA\u001bOH');
    expect(sent('<C-Up><PageUp><F1>', APPLICATION)).toBe('\u001b[1;5A\u001b[5~\u001bOP');
  });

  it.each([
    ['<Entr>', /"<Entr>" is not a key; nothing was sent. Did you mean <enter>/],
    ['<Esc>:q<Entre>', /"<Entre>" is not a key/],
    ['hello', /"hello" is not a key/],
    ['constructor', /is not a key/],
    ['<F13>', /is not a key/],
    ['pgdown', /Did you mean .*<pagedown>/],
    ['<C-ä>', /is not a key/],
    ['<D-c>', /is not a key/],
  ])('refuses %s', (keys, message) => expect(() => sent(keys)).toThrow(message));

  it('on a pipe Enter ends a line, and what only a terminal does is refused with another way', () => {
    expect(sent('y<CR>', PIPE)).toBe('y\n');
    expect(sent('enter', PIPE)).toBe('\n');
    expect(() => sent('<C-c>', PIPE)).toThrow(expect.objectContaining({ hint: expect.stringContaining('SIGINT') }));
    expect(() => sent('ctrl-d', PIPE)).toThrow(expect.objectContaining({ hint: expect.stringContaining('end: true') }));
  });

  it('takes time in proportion to what was written', () => {
    const started = performance.now();
    expect(() => sent(`<${'a-'.repeat(1_000)}`)).toThrow(/is not a key/);
    expect(performance.now() - started).toBeLessThan(200);
  });
});
