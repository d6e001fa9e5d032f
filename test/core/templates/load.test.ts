import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readTemplatesFile } from '../../../src/core/templates/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'corral-templates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (text: string, workspaces: string[] = []): ReturnType<typeof readTemplatesFile> => {
  const path = join(folder, 'templates.yaml');
  writeFileSync(path, text);
  return readTemplatesFile(path, workspaces);
};

describe('readTemplatesFile', () => {
  it('reads YAML and JSON', () => {
    expect(read('a: { argv: [ls] }').map(({ name }) => name)).toEqual(['a']);
    expect(read('{"a": {"argv": ["ls"]}, "b-c": {"argv": ["pwd"]}}').map(({ name }) => name)).toEqual(['a', 'b-c']);
  });
  it.each([
    ['a placeholder that stands twice', 'a: { argv: [echo, "{x}", "{x}"], params: { x: { type: string } } }', /stands twice/],
    ['a parameter that is not used', 'a: { argv: [ls], params: { x: { type: string } } }', /x is not used/],
    ['a placeholder without a parameter', 'a: { argv: [echo, "{x}"] }', /\{x\} has no parameter/],
    ['a placeholder for the program', 'a: { argv: ["{x}"], params: { x: { type: string } } }', /where the program is named/],
    ['a placeholder in shell text', 'a: { argv: [sh, -c, "ls {x}"], params: { x: { type: string } } }', /code that sh runs/],
    ['an unknown key', 'a: { argv: [ls], shell: true }', /shell/],
    ['no argv', 'a: {}', /argv/],
    ['a name that is none', '"a b": { argv: [ls] }', /a name is letters/],
    ['two names of one tool', 'a-b: { argv: [ls] }\na_b: { argv: [ls] }', /would be the same tool, a_b/],
    ['a key twice', 'a: { argv: [ls] }\na: { argv: [pwd] }', /cannot be read/],
    ['a list', '- a', /no map/],
    ['text that is no YAML', 'a: [', /cannot be read/],
  ])('refuses %s', (_, text, message) => expect(() => read(text)).toThrow(message));
  it('refuses a file that whoever works in a workspace could rewrite, or that is not there', () => {
    expect(() => read('a: { argv: [ls] }', [folder])).toThrow(/lies in the workspace/);
    expect(() => readTemplatesFile(join(folder, 'none'), [])).toThrow(/is not there/);
  });
});
