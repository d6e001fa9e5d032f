import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Corral, startCorral } from './support/corral.ts';

let corral: Corral;
beforeAll(async () => {
  corral = await startCorral();
});
afterAll(() => corral.close());

const act = (action: string, path: string, more: Record<string, unknown> = {}): Promise<Answer> =>
  corral.call('files', { action, path, ...more });
const refuse = (action: string, path: string, more: Record<string, unknown> = {}): ReturnType<Corral['refusal']> =>
  corral.refusal('files', { action, path, ...more });
const at = (...names: string[]): string => join(corral.workspace, ...names);

describe('files', () => {
  it('writes with its folders, reads back, and both sides see one file', async () => {
    await act('write', 'deep/er/note.txt', { content: 'grüße\n' });
    expect(readFileSync(at('deep/er/note.txt'), 'utf8')).toBe('grüße\n');
    expect(await act('read', 'deep/er/note.txt')).toMatchObject({ content: 'grüße\n', lines: 1 });
    expect((await corral.call('execute_command', { command: 'cat deep/er/note.txt; echo more >> deep/er/note.txt' }))['stdout'].text).toBe(
      'grüße\n',
    );
    expect((await act('read', at('deep/er/note.txt')))['content']).toBe('grüße\nmore\n');
    await act('write', 'deep/er/note.txt', { content: 'last\n', append: true });
    expect((await act('read', 'deep/er/note.txt'))['content']).toBe('grüße\nmore\nlast\n');
  });

  it('leaves files to the owner of the workspace', async () => {
    await act('write', 'mine.txt', { content: 'x' });
    await corral.call('execute_command', { command: 'touch made-by-command' });
    const { statSync } = await import('node:fs');
    expect([statSync(at('mine.txt')).uid, statSync(at('made-by-command')).uid]).toEqual([process.getuid?.(), process.getuid?.()]);
  });

  it('reads long files by lines, and bytes as base64', async () => {
    await act('write', 'long.txt', { content: Array.from({ length: 5000 }, (_, index) => `row ${String(index)}\n`).join('') });
    const first = await act('read', 'long.txt', { limit: 2 });
    expect(first).toMatchObject({ content: 'row 0\nrow 1\n', next_offset: 2, lines: 5000 });
    expect((await act('read', 'long.txt', { offset: 4998 }))['content']).toBe('row 4998\nrow 4999\n');
    const bytes = Buffer.from([0, 255, 1, 254]);
    await act('write', 'bytes.bin', { content: bytes.toString('base64'), encoding: 'base64' });
    expect(readFileSync(at('bytes.bin'))).toEqual(bytes);
    expect((await act('read', 'bytes.bin', { encoding: 'base64' }))['content']).toBe(bytes.toString('base64'));
    expect(await refuse('read', 'bytes.bin')).toMatchObject({ code: 'invalid_input', hint: expect.stringContaining('base64') });
  });

  it('edits exactly one place, or all when asked', async () => {
    await act('write', 'edit.txt', { content: 'one two two\n' });
    expect(await refuse('edit', 'edit.txt', { old_text: 'two', new_text: '2' })).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('2 times'),
      hint: expect.stringContaining('replace_all'),
    });
    expect(await refuse('edit', 'edit.txt', { old_text: 'six', new_text: '6' })).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('does not occur'),
    });
    expect(await act('edit', 'edit.txt', { old_text: 'two', new_text: '$&', replace_all: true })).toMatchObject({ replaced: 2 });
    expect(readFileSync(at('edit.txt'), 'utf8')).toBe('one $& $&\n');
  });

  it('lists, by pattern and by depth, and tells about one', async () => {
    for (const path of ['tree/a.ts', 'tree/b.js', 'tree/sub/c.ts']) await act('write', path, { content: 'x' });
    const names = async (more: Record<string, unknown>): Promise<string[]> =>
      ((await act('list', 'tree', more))['entries'] as { path: string }[]).map(({ path }) => path).sort();
    expect(await names({})).toEqual(['a.ts', 'b.js', 'sub']);
    expect(await names({ recursive: true })).toEqual(['a.ts', 'b.js', 'sub', 'sub/c.ts']);
    expect(await names({ glob: '**/*.ts' })).toEqual(['a.ts', 'sub/c.ts']);
    expect(await act('info', 'tree/a.ts')).toMatchObject({ kind: 'file', size: 1 });
    expect(await act('info', 'tree')).toMatchObject({ kind: 'directory' });
  });

  it('searches contents', async () => {
    await act('write', 'search/x.py', { content: 'import os\n\ndef needle():\n  pass\n' });
    await act('write', 'search/y.md', { content: 'needle\n' });
    expect((await act('search', 'search', { pattern: '^def (\\w+)' }))['matches']).toEqual([
      { path: 'x.py', line: 3, text: 'def needle():' },
    ]);
    expect((await act('search', 'search', { pattern: 'needle', glob: '*.md' }))['matches']).toEqual([
      { path: 'y.md', line: 1, text: 'needle' },
    ]);
  });

  it('moves, makes folders and removes', async () => {
    await act('make_directory', 'made/here');
    await act('write', 'made/from.txt', { content: 'm' });
    await act('move', 'made/from.txt', { to: 'made/here/to.txt' });
    expect((await act('read', 'made/here/to.txt'))['content']).toBe('m');
    await act('write', 'made/other.txt', { content: 'o' });
    expect((await refuse('move', 'made/other.txt', { to: 'made/here/to.txt' })).code).toBe('conflict');
    await act('move', 'made/other.txt', { to: 'made/here/to.txt', overwrite: true });
    expect(await refuse('remove', 'made')).toMatchObject({ code: 'conflict', hint: expect.stringMatching(/recursive/i) });
    await act('remove', 'made', { recursive: true });
    expect((await refuse('info', 'made')).code).toBe('not_found');
  });
});

describe('files that may not be reached', () => {
  it('refuses paths outside, by name, by dots and by links', async () => {
    mkdirSync(at('links'));
    symlinkSync('/etc', at('links/etc'));
    symlinkSync('/etc/passwd', at('links/passwd'));
    writeFileSync(at('links/real'), 'real');
    for (const path of ['/etc/passwd', '../../../../etc/passwd', 'links/etc/passwd', 'links/passwd']) {
      const error = await refuse('read', path);
      expect(error, path).toMatchObject({ code: 'denied', message: expect.stringContaining('outside') });
      expect(error.hint).toContain(corral.workspace);
      expect((await refuse('write', path, { content: 'x' })).code, path).toBe('denied');
    }
    expect((await refuse('remove', 'links/etc/hostname')).code).toBe('denied');
    expect((await act('read', 'links/real'))['content']).toBe('real');
  });

  it('refuses what is no regular file', async () => {
    await corral.call('execute_command', { command: 'mkfifo pipe' });
    for (const [path, code] of [
      ['pipe', 'invalid_input'],
      ['.', 'invalid_input'],
      ['missing.txt', 'not_found'],
      ['nul\0byte', 'invalid_input'],
    ] as const) {
      const error = await refuse('read', path);
      expect(error.code, path).toBe(code);
      expect(error.hint).not.toBe('');
    }
    expect(await refuse('write', 'x', { content: 'not base64!', encoding: 'base64' })).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('base64'),
    });
    expect(await refuse('edit', 'edit.txt')).toMatchObject({ code: 'invalid_input', message: expect.stringContaining('old_text') });
  });
});
