import { describe, expect, it } from 'vitest';
import { importsPackages, isModule, javaClass, javaPackage, withRequire } from '../../../src/core/languages/source.ts';

describe('isModule', () => {
  it.each([
    "import fs from 'node:fs'",
    "import 'x'",
    "import { a } from 'b'",
    'export const a = 1',
    'const x = await fetch(u)',
    'await go()',
    'for (const x of y) {\n  await x;\n}',
  ])('%s is a module', (code) => expect(isModule(code)).toBe(true));
  it.each([
    "const fs = require('fs')",
    'console.log("import x")',
    'async function f() { await g() }',
    'importance = 1',
    '(async () => { await 1 })()',
    "const a = import('x')",
  ])('%s is a script', (code) => expect(isModule(code)).toBe(false));
});

describe('withRequire', () => {
  it('gives modules that use require one, without moving a line', () => {
    const code = "import a from 'node:os'\nrequire('fs')";
    expect(withRequire(code, '/w').split('\n')).toHaveLength(2);
    expect(withRequire(code, '/w')).toContain('"/w/"');
  });
  it('leaves alone code that does not, or brings its own', () => {
    expect(withRequire('export {}', '/w')).toBe('export {}');
    const own = "import { createRequire } from 'node:module'; const require = createRequire('/x'); require('a')";
    expect(withRequire(own, '/w')).toBe(own);
  });
});

it('importsPackages tells packages from files and built-ins', () => {
  expect(importsPackages("import a from 'lodash'")).toBe(true);
  expect(importsPackages("import('lodash')")).toBe(true);
  expect(importsPackages("import a from './lib.js'; import b from 'node:fs'")).toBe(false);
});

describe('Java', () => {
  it('runs the public class, else the one with main', () => {
    expect(javaClass('class A {} public final class B {}')).toBe('B');
    expect(javaClass('class A {}\nclass B { public static void main(String[] a) {} }')).toBe('B');
    expect(javaClass('record Point(int x) {}\nclass App { static void main(String[] a) {} }')).toBe('App');
    expect(javaClass('int x;')).toBe('Main');
  });
  it('knows the package', () => {
    expect(javaPackage('package a.b.c;\nclass X {}')).toBe('a.b.c');
    expect(javaPackage('class X {}')).toBeUndefined();
  });
});
