import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Corral, startCorral } from './support/corral.ts';

let corral: Corral;
let present: ReadonlySet<string>;
beforeAll(async () => {
  corral = await startCorral();
  const { languages } = await corral.call('describe_environment');
  present = new Set((languages as { name: string }[]).map(({ name }) => name));
}, 60_000);
afterAll(() => corral.close());

interface Programs {
  /** Prints `21 doubled is 42`, reading 21 from standard input where that is short. */
  readonly good: string;
  /** Starts, then fails by itself with a code that is not 0. */
  readonly failing: string;
  /** Cannot be compiled; undefined where nothing is compiled. */
  readonly broken?: string;
  /** What the compiler says about `broken`. */
  readonly complaint?: RegExp;
}

const PROGRAMS: Record<string, Programs> = {
  bash: { good: 'read -r n; echo "$n doubled is $((n * 2))"', failing: 'echo before; exit 7' },
  python: { good: 'n = int(input())\nprint(f"{n} doubled is {n * 2}")', failing: 'print("before")\nraise SystemExit(7)' },
  javascript: {
    good: 'const n = Number(require("fs").readFileSync(0, "utf8"));\nconsole.log(`${n} doubled is ${n * 2}`)',
    failing: 'console.log("before"); process.exit(7)',
  },
  typescript: {
    good: 'import { readFileSync } from "node:fs";\nconst n: number = Number(readFileSync(0, "utf8"));\nconsole.log(`${n} doubled is ${n * 2}`)',
    failing: 'console.log("before"); process.exit(7 as number)',
    broken: 'const x: number = ;',
    complaint: /Unexpected ";"/,
  },
  rust: {
    good: 'fn main() { let mut s = String::new(); std::io::stdin().read_line(&mut s).unwrap(); let n: i64 = s.trim().parse().unwrap(); println!("{} doubled is {}", n, n * 2); }',
    failing: 'fn main() { println!("before"); std::process::exit(7); }',
    broken: 'fn main() { let x: i64 = "text"; }',
    complaint: /mismatched types/,
  },
  go: {
    good: 'package main\nimport "fmt"\nfunc main() { var n int; fmt.Scan(&n); fmt.Printf("%d doubled is %d\\n", n, n*2) }',
    failing: 'package main\nimport ("fmt"; "os")\nfunc main() { fmt.Println("before"); os.Exit(7) }',
    broken: 'package main\nfunc main() { var x int = "text" }',
    complaint: /cannot use "text"/,
  },
  c: {
    good: '#include <stdio.h>\nint main(void) { int n; if (scanf("%d", &n) != 1) return 1; printf("%d doubled is %d\\n", n, n * 2); return 0; }',
    failing: '#include <stdio.h>\nint main(void) { puts("before"); return 7; }',
    broken: 'int main(void) { return missing; }',
    complaint: /missing.*undeclared/,
  },
  cpp: {
    good: '#include <iostream>\nint main() { int n; std::cin >> n; std::cout << n << " doubled is " << n * 2 << std::endl; }',
    failing: '#include <iostream>\nint main() { std::cout << "before" << std::endl; return 7; }',
    broken: 'int main() { return missing; }',
    complaint: /missing.*not declared/,
  },
  java: {
    good: 'import java.util.Scanner;\npublic class Doubler { public static void main(String[] a) { int n = new Scanner(System.in).nextInt(); System.out.println(n + " doubled is " + n * 2); } }',
    failing: 'public class Failing { public static void main(String[] a) { System.out.println("before"); System.exit(7); } }',
    broken: 'public class Broken { public static void main(String[] a) { int x = "text"; } }',
    complaint: /incompatible types/,
  },
  ruby: { good: 'n = gets.to_i\nputs "#{n} doubled is #{n * 2}"', failing: 'puts "before"; exit 7' },
  perl: { good: 'my $n = <STDIN>; chomp $n; print "$n doubled is ", $n * 2, "\\n";', failing: 'print "before\\n"; exit 7;' },
  php: { good: '<?php $n = (int)fgets(STDIN); echo "$n doubled is ", $n * 2, "\\n";', failing: '<?php echo "before\\n"; exit(7);' },
};

const execute = (language: string, code: string, more: Record<string, unknown> = {}): Promise<Answer> =>
  corral.call('execute_code', { language, code, wait_seconds: 50, ...more });

describe.each(Object.entries(PROGRAMS))('code in %s', (language, programs) => {
  const compiled = programs.broken !== undefined;

  it('runs, and tells a failing program from one that cannot be compiled', async ({ skip }) => {
    if (!present.has(language)) skip(`needs ${language} in the sandbox`);
    const good = await execute(language, programs.good, { stdin: '21\n' });
    expect(good, JSON.stringify(good)).toMatchObject({
      status: 'finished',
      outcome: { kind: 'exited', code: 0 },
      stdout: { text: '21 doubled is 42\n' },
    });

    const failing = await execute(language, programs.failing);
    expect(failing).toMatchObject({
      outcome: { kind: 'exited', code: 7 },
      stdout: { text: 'before\n' },
      ...(compiled && { stage: 'run' }),
    });

    if (programs.broken === undefined || programs.complaint === undefined) return;
    const broken = await execute(language, programs.broken);
    expect(broken).toMatchObject({ status: 'finished', stage: 'compile', outcome: { kind: 'exited' } });
    expect(broken['outcome'].code).not.toBe(0);
    expect(`${broken['stdout']?.text ?? ''}${broken['stderr']?.text ?? ''}`).toMatch(programs.complaint);
  }, 90_000);
});

describe('code', () => {
  it('gets its arguments, and modules of the workspace', async ({ skip }) => {
    if (!present.has('python')) skip('needs python');
    await corral.call('files', { action: 'write', path: 'helper.py', content: 'def twice(x): return x * 2\n' });
    const answer = await execute('python', 'import sys, helper\nprint(helper.twice(sys.argv[1]))', { args: ['ab c'] });
    expect(answer['stdout'].text).toBe('ab cab c\n');
  });

  it('in a language that is not there is refused by name', async () => {
    expect(await corral.refusal('execute_code', { language: 'cobol', code: 'x' })).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('cobol'),
      hint: expect.stringContaining('describe_environment'),
    });
    const missing = Object.keys(PROGRAMS).find((language) => !present.has(language));
    if (missing !== undefined)
      expect(await corral.refusal('execute_code', { language: missing, code: 'x' })).toMatchObject({
        code: 'unsupported',
        message: expect.stringContaining(missing),
      });
  });
});
