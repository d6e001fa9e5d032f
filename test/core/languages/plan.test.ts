import { describe, expect, it } from 'vitest';
import { languageOrThrow, planCode } from '../../../src/core/languages/plan.ts';
import { LANGUAGES } from '../../../src/core/languages/table.ts';

const plan = (name: string, code: string, args: string[] = []): ReturnType<typeof planCode> =>
  planCode({ language: languageOrThrow(name), tool: `/usr/bin/${name}`, code, args, dir: '/tmp/corral/x', cwd: '/w' });

describe('planCode', () => {
  it('hands JavaScript over as an argument, so that imports resolve from the working directory', () => {
    expect(plan('js', 'console.log(1)', ['a']).steps).toEqual([['/usr/bin/js', '-e', 'console.log(1)', '--', 'a']]);
    expect(plan('js', "import 'x'").steps[0]).toContain('--input-type=module');
  });
  it('writes JavaScript that is too long for an argument to a file', () => {
    const long = plan('javascript', `//${'x'.repeat(110_000)}`);
    expect(long.file?.path).toBe('/tmp/corral/x/main.cjs');
    expect(long.steps.at(-1)).toEqual(['/usr/bin/javascript', '/tmp/corral/x/main.cjs']);
  });
  it('tells compile steps from the run', () => {
    const rust = plan('rust', 'fn main() {}', ['--flag']);
    expect(rust.compileStep).toBe(0);
    expect(rust.runStep).toBe(1);
    expect(rust.steps.at(-1)).toEqual(['/tmp/corral/x/main', '--flag']);
    const typescript = plan('typescript', "import a from 'pkg'");
    expect(typescript.compileStep).toBe(1);
    expect(typescript.runStep).toBe(2);
  });
  it('never fills placeholders that stand in the code or the arguments', () => {
    expect(plan('js', 'console.log("{cwd}")', ['{dir}']).steps[0]).toEqual(['/usr/bin/js', '-e', 'console.log("{cwd}")', '--', '{dir}']);
  });
  it('names the class of a Java package', () => {
    const java = plan('java', 'package a.b; public class App { public static void main(String[] x) {} }');
    expect(java.file?.path).toBe('/tmp/corral/x/App.java');
    expect(java.steps.at(-1)).toContain('a.b.App');
  });
  it('refuses an unknown language and says which there are', () => {
    expect(() => languageOrThrow('cobol')).toThrow(/"cobol" is not one of .*python/);
    expect(() => languageOrThrow('__proto__')).toThrow(/is not one of/);
  });
  it('has no two languages of one name', () => {
    const names = LANGUAGES.flatMap((language) => [language.name, ...language.aliases]);
    expect(new Set(names).size).toBe(names.length);
  });
});
