import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SUMMARISERS } from '../../../../src/core/output/summaries/registry.ts';
import { linesOf, summarise } from '../../../../src/core/output/summaries/summarise.ts';
import { type Recorded, recordedTools } from '../../../support/recorded.ts';

const ROOT = join(import.meta.dirname, '../../../..');

const recorded = recordedTools(ROOT);

const linesOfBoth = ({ stdout, stderr }: Recorded): string[] => [...linesOf(stdout), ...linesOf(stderr)];

const find = (name: string): Recorded => {
  const found = recorded.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no such recording: ${name}`);
  return found;
};

const summaryOf = (name: string, change: Partial<Recorded> = {}) => {
  const one = { ...find(name), ...change };
  return summarise(linesOfBoth(one), one);
};

const PYTEST = ['test_bad.py:5 test_total', 'test_bad.py:8 test_mapping', 'test_bad.py:11 test_raises', 'test_bad.py:19 test_many[2]'];
const VITEST = [
  'bad.test.ts:3:37 bad.test.ts > prices > total',
  'bad.test.ts:4:53 bad.test.ts > prices > shape',
  'bad.test.ts:7:32 bad.test.ts > prices > throws',
];
const JEST = ['bad.test.js:2:37 prices › total', 'bad.test.js:3:53 prices › shape', 'bad.test.js:6:32 prices › throws'];
const MOCHA = ['bad.spec.js:3:28 prices total', 'bad.spec.js:4:28 prices shape', 'bad.spec.js:7:30 prices throws'];
const NODE = ['bad.test.mjs:4:3 total', 'bad.test.mjs:5:3 shape', 'bad.test.mjs:8:3 throws'];
const CARGO = ['src/lib.rs:51:22 tests::bad_total', 'src/lib.rs:54:22 tests::bad_panic'];
const GCC = ['bad.c:4:3 error', 'bad.c:7:33 error', 'bad.c:7:38 error', 'bad.c:3:7 -Wunused-variable', 'bad.c:7:54 -Wreturn-type'];
const GO = ['broken/broken.go:3:8 ', 'broken/broken.go:6:6 ', 'broken/broken.go:7:9 '];
const TSC = ['bad.ts:1:25 TS2307', 'bad.ts:2:14 TS2322', 'bad.ts:4:14 TS2741', 'bad.ts:5:34 TS2551'];
const ESLINT = ['bad.js:1:7 no-unused-vars', 'bad.js:2:5 no-undef', 'bad.js:2:19 no-undef', 'worse.js:1:9 error', 'bad.js:2:13 eqeqeq'];
const UNITTEST = ['/workspace/test_all.py:31 test_all.Prices.test_raises', '/workspace/test_all.py:29 test_all.Prices.test_total'];

type Expected = readonly [
  name: string,
  tool: string,
  counts: Record<string, number>,
  problems?: readonly string[],
  said?: readonly string[],
];

const EXPECTED: readonly Expected[] = [
  ['pytest/pass', 'pytest', { passed: 30 }],
  ['pytest/pass-verbose', 'pytest', { passed: 30 }],
  ...(['fail', 'fail-verbose', 'fail-quiet', 'fail-short', 'colour'] as const).map((name): Expected => [
    `pytest/${name}`,
    'pytest',
    { failed: 4, passed: 32, skipped: 1 },
    PYTEST,
    ['assert 6 == 7', 'no such currency: XYZ', "{'b': [1, 2]} != {'b': [1, 3]}"],
  ]),
  [
    'pytest/collection-error',
    'pytest',
    { errors: 1 },
    ['broken/test_broken.py:1 broken/test_broken.py'],
    ["No module named 'nothing_of_that_name'"],
  ],
  ['pytest/setup-error', 'pytest', { errors: 1 }, ['broken/test_fixture.py:5 test_uses'], ['RuntimeError: no database']],
  ['unittest/pass', 'unittest', { passed: 2 }],
  ...(['fail', 'verbose'] as const).map((name): Expected => [
    `unittest/${name}`,
    'unittest',
    { failed: 1, errors: 1, passed: 12, skipped: 1 },
    UNITTEST,
    ["KeyError: 'currency'", '6 != 7 : the total is off'],
  ]),
  ['node-test/pass', 'node --test', { passed: 20 }],
  ...(['fail', 'spec', 'colour'] as const).map((name): Expected => [
    `node-test/${name}`,
    'node --test',
    { failed: 3, passed: 21, skipped: 1 },
    NODE,
    ['3 !== 4', '+     2\n-     3', 'no such currency'],
  ]),
  ['vitest/pass', 'vitest', { passed: 25 }],
  ...(['fail', 'verbose', 'colour'] as const).map((name): Expected => [
    `vitest/${name}`,
    'vitest',
    { failed: 3, failed_files: 1, passed: 26, skipped: 1 },
    VITEST,
    ['expected 3 to be 4', '-     3,\n+     2,', 'no such currency'],
  ]),
  [
    'vitest/load-error',
    'vitest',
    { failed_files: 1, passed: 25 },
    ['broken.test.ts:1:1 broken.test.ts [ broken.test.ts ]'],
    ["Cannot find module './nowhere.ts'"],
  ],
  ['jest/pass', 'jest', { passed: 25 }],
  ...(['fail', 'verbose', 'colour'] as const).map((name): Expected => [
    `jest/${name}`,
    'jest',
    { failed: 3, failed_suites: 1, passed: 26, skipped: 1 },
    JEST,
    ['Expected: 4\nReceived: 3', '-     3,\n+     2,', 'no such currency'],
  ]),
  [
    'jest/load-error',
    'jest',
    { failed_suites: 1, passed: 25 },
    ['broken.test.js:1:40 Test suite failed to run'],
    ["Cannot find module './nowhere.js'"],
  ],
  ['mocha/pass', 'mocha', { passed: 25 }],
  ...(['fail', 'colour'] as const).map((name): Expected => [
    `mocha/${name}`,
    'mocha',
    { failed: 3, passed: 26, skipped: 1 },
    MOCHA,
    ['3 !== 4', '-3', 'no such currency'],
  ]),
  ['go/pass', 'go test', { passed_packages: 1 }],
  ['go/pass-verbose', 'go test', { passed: 20, passed_packages: 1 }],
  [
    'go/fail',
    'go test',
    { failed: 3, failed_packages: 1, passed_packages: 1 },
    ['price_test.go:7 TestTotal', 'price_test.go:15 TestTable/two'],
    ['Total(1, 2) = 3, want 4'],
  ],
  [
    'go/fail-verbose',
    'go test',
    { failed: 3, failed_packages: 1, passed: 21, skipped: 1, passed_packages: 1 },
    ['price_test.go:7 TestTotal', 'price_test.go:15 TestTable/two'],
    ['two is not one'],
  ],
  [
    'go/panic',
    'go test',
    { failed: 4, failed_packages: 1 },
    ['price_test.go:7 TestTotal', 'price_test.go:15 TestTable/two', '/workspace/price/price_test.go:26 TestPanics'],
    ['panic: assignment to entry in nil map'],
  ],
  ['go/build-failed', 'go test', { failed_packages: 1, unbuilt_packages: 1, passed_packages: 1 }, GO, ['declared and not used: unused']],
  ['go/build-error', 'go', { errors: 3 }, GO, ['"fmt" imported and not used']],
  ['go/vet', 'go', { errors: 1 }, ['broken/broken.go:7:9 '], ['cannot use "text"']],
  ['go/mod-missing', 'go', { errors: 1 }, ['_missing/missing.go:3:8 '], ['module lookup disabled']],
  ['cargo/pass', 'cargo test', { passed: 20, ignored: 1 }],
  ...(['fail', 'colour'] as const).map((name): Expected => [
    `cargo/${name}`,
    'cargo test',
    { failed: 2, passed: 20, ignored: 1 },
    CARGO,
    ['  left: 3\n right: 4', 'no such currency'],
  ]),
  ['cargo/build-ok', 'rustc', { compiled: 1 }],
  ['cargo/build-warning', 'rustc', { warnings: 1, compiled: 1 }, ['src/lib.rs:60:23 warning'], ['unused variable: `unused`']],
  ['cargo/build-error', 'rustc', { errors: 1, compiled: 1 }, ['src/lib.rs:58:42 E0425'], ['not found in this scope']],
  ['cargo/test-build-error', 'rustc', { errors: 1, compiled: 1 }, ['src/lib.rs:58:42 E0425']],
  ['cargo/rustc', 'rustc', { errors: 1 }, ['src/lib.rs:58:42 E0425']],
  ['cargo/fetch-error', 'rustc', { errors: 1 }, [' error'], ['could not be found in registry index']],
  ['gcc/warning', 'gcc', { warnings: 2 }, ['warn.c:4:12 -Wformat=', 'warn.c:3:7 -Wunused-variable']],
  ...(['error', 'make', 'colour'] as const).map((name): Expected => [
    `gcc/${name}`,
    'gcc',
    { errors: 3, warnings: 2 },
    GCC,
    ['‘undefined_name’ undeclared', 'return totl;'],
  ]),
  ['gcc/fatal', 'gcc', { errors: 1 }, ['fatal.c:1:10 fatal error'], ['nowhere.h: No such file or directory']],
  ['gcc/link', 'gcc', { errors: 1 }, ['link.c linker'], ["undefined reference to `missing'"]],
  ['gcc/cpp', 'gcc', { errors: 2 }, ['bad.cpp:3:53 error', 'bad.cpp:3:66 error'], ['no matching function']],
  ['ctest/pass', 'ctest', { passed: 12 }],
  ['ctest/fail', 'ctest', { failed: 2, passed: 12 }, [' bad_total', ' bad_crash'], ['SEGFAULT']],
  ['ctest/fail-output', 'ctest', { failed: 2, passed: 12 }, [' bad_total', ' bad_crash'], ['total is 3, not 4']],
  ['gtest/pass', 'googletest', { passed: 15 }],
  ...(['fail', 'colour'] as const).map((name): Expected => [
    `gtest/${name}`,
    'googletest',
    { failed: 2, passed: 15, skipped: 1 },
    ['all.cc:17 Bad.Total', 'all.cc:18 Bad.Text'],
    ['the total is off'],
  ]),
  ...(['error', 'pretty'] as const).map((name): Expected => [`tsc/${name}`, 'tsc', { errors: 4 }, TSC, ["Did you mean 'amount'?"]]),
  ['javac/error', 'javac', { errors: 1 }, ['Bad.java:5 error'], ["';' expected"]],
  ['javac/errors', 'javac', { errors: 2 }, ['Worse.java:2 error', 'Worse.java:3 error'], ['symbol:   method missing()']],
  ...(['error', 'colour'] as const).map((name): Expected => [
    `eslint/${name}`,
    'eslint',
    { errors: 4, warnings: 1 },
    ESLINT.map((one) => `/workspace/${one}`),
    ["'missing' is not defined"],
  ]),
  ['oxlint/pass', 'oxlint', {}],
  [
    'oxlint/warning',
    'oxlint',
    { warnings: 3 },
    ['bad.js:1:7 eslint(no-unused-vars)', 'bad.js:2:1 eslint(no-debugger)', 'bad.js:3:5 eslint(use-isnan)'],
  ],
  [
    'oxlint/error',
    'oxlint',
    { errors: 3 },
    ['bad.js:1:7 eslint(no-unused-vars)', 'bad.js:2:1 eslint(no-debugger)', 'bad.js:3:5 eslint(use-isnan)'],
  ],
  ['npm/install', 'npm', { added: 2 }],
  ['npm/install-audit', 'npm', { added: 47 }],
  ['npm/up-to-date', 'npm', {}],
  ['npm/missing', 'npm', { errors: 1 }, [' E404'], ['no-such-package-of-corral-tests@1.0.0']],
  ['npm/no-version', 'npm', { errors: 1 }, [' ETARGET'], ['No matching version found for ms@99.0.0']],
  ['npm/conflict', 'npm', { errors: 1 }, [' ERESOLVE'], ['peer react@"17.0.2" from react-dom@17.0.2']],
  ['pip/install', 'pip', { installed: 2 }],
  ['pip/colour', 'pip', { installed: 1 }],
  ['pip/satisfied', 'pip', { already_installed: 2 }],
  ['pip/missing', 'pip', { errors: 2 }, [' error', ' error'], ['No matching distribution found for idna==99.99']],
  ['pip/conflict', 'pip', { errors: 2 }, [' error', ' error', ' '], ['requests 2.31.0 depends on idna<4 and >=2.5']],
  ['apt-get/simulate', 'apt-get', { installed: 1 }],
  ['apt-get/present', 'apt-get', {}],
  ['apt-get/update', 'apt-get', { fetched: 3 }],
  ['apt-get/missing', 'apt-get', { errors: 1 }, [' error'], ['Unable to locate package']],
  [
    'maven/fail',
    'maven',
    { failed: 1, errors: 1, passed: 8, skipped: 1 },
    [' total(ShopTest)', ' raises(ShopTest)'],
    ['expected:<4> but was:<3>'],
  ],
  ['maven/compile-error', 'maven', { compile_errors: 1 }, ['/workspace/src/main/java/X.java:1:28 error'], ['cannot find symbol']],
];

/** The tools say nothing here, or nothing that tells how it ended. */
const SILENT = ['eslint/pass', 'javac/pass', 'javac/warning', 'tsc/pass', 'npm/script'];

describe('summaries of what real tools printed', () => {
  test.each(EXPECTED.map((one) => [one[0], one] as const))('%s', (name, [, tool, counts, problems = [], said = []]) => {
    const summary = summaryOf(name);
    expect(summary).toMatchObject({ tool, more: 0 });
    expect(summary?.counts).toEqual(counts);
    const found = (summary?.problems ?? []).map((problem) => `${problem.at ?? ''} ${problem.name ?? ''}`);
    // TAP names files by their whole path.
    // Tests that run at once end in any order.
    expect(found.map((one) => (tool === 'node --test' ? one.replace('/workspace/', '') : one)).toSorted()).toEqual(problems.toSorted());
    const text = (summary?.problems ?? []).map((problem) => problem.text).join('\n');
    for (const one of said) expect(text).toContain(one);
  });

  test.each(SILENT)('%s: none', (name) => {
    expect(summaryOf(name)).toBeUndefined();
  });

  test('every recording is expected to give something', () => {
    const known = new Set([...EXPECTED.map(([name]) => name), ...SILENT, 'pytest/no-tests']);
    expect(recorded.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([]);
  });

  test('of another ending than the tool tells of there is none', () => {
    for (const one of recorded) {
      const flipped = summarise(linesOfBoth(one), { command: one.command, code: one.code === 0 ? 1 : 0 });
      expect(flipped, one.name).toBeUndefined();
    }
  });

  test('output that is cut off anywhere never makes a success of a failure, nor a failure of nothing', () => {
    for (const one of recorded) {
      const lines = linesOfBoth(one);
      for (let end = 0; end < lines.length; end += 1) {
        const summary = summarise(lines.slice(0, end), one);
        if (summary === undefined) continue;
        const { failed = 0, errors = 0 } = summary.counts;
        if (one.code === 0) expect(failed + errors, one.name).toBe(0);
        else expect(summary.problems.length, one.name).toBeGreaterThan(0);
      }
    }
  });

  test('other programs that print the same are not taken for the tool', () => {
    for (const one of recorded)
      for (const command of ['cat output.log', 'grep -r x .', 'tail -f log.txt', 'python: print(1)'])
        expect(summarise(linesOfBoth(one), { command, code: one.code }), `${one.name} by ${command}`).toBeUndefined();
  });

  test('the tool is found in shell text, behind a path, and behind what runs scripts', () => {
    for (const command of [
      'cd x && pytest -q',
      './venv/bin/pytest',
      'FOO=1 python3 -m pytest',
      'npx pytest',
      'make test',
      'timeout 60 pytest | cat',
      './scripts/run.sh',
    ])
      expect(summaryOf('pytest/fail', { command }), command).toMatchObject({ tool: 'pytest' });
    expect(summaryOf('cargo/fail', { command: 'cargo +nightly --quiet test' })).toMatchObject({ tool: 'cargo test' });
    expect(summaryOf('npm/install', { command: 'npm --silent ci' })).toMatchObject({ tool: 'npm' });
    expect(summaryOf('npm/install', { command: 'npm run build' })).toBeUndefined();
  });

  test('what other commands printed around it does no harm', () => {
    for (const [name, tool] of EXPECTED.filter(([, known]) => known !== 'node --test')) {
      const one = find(name);
      const noise = ['Cloning into x', '', 'done.', '  indented', '100%'];
      const summary = summarise([...noise, ...linesOfBoth(one), ...noise], one);
      expect(summary?.tool, name).toBe(tool);
    }
  });
});

describe('summaries are bounded', () => {
  test('many failures: the first ones, and how many more', () => {
    const one = find('pytest/fail');
    const lines = linesOfBoth(one);
    const begin = lines.findIndex((line) => line.includes(' test_total '));
    const end = lines.findIndex((line) => line.includes(' test_mapping '));
    const block = lines.slice(begin, end);
    const many = [...lines.slice(0, begin), ...Array.from({ length: 300 }, () => block).flat(), ...lines.slice(begin)];
    const summary = summarise(many, one);
    expect(summary?.problems.length).toBe(20);
    expect((summary?.problems.length ?? 0) + (summary?.more ?? 0)).toBe(304);
    expect(JSON.stringify(summary).length).toBeLessThan(12_000);
  });

  test('a long message is cut inside no character', () => {
    const lines = ['a.c:1:1: error: ' + '😀'.repeat(900)];
    const text = summarise(lines, { command: 'gcc a.c', code: 1 })?.problems[0]?.text ?? '';
    expect(text.length).toBeLessThan(1_300);
    expect(Buffer.from(text).toString()).toBe(text);
  });

  const pool = recorded.flatMap((one) => linesOfBoth(one).slice(0, 60));
  test('nothing that lines may hold makes one throw', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...pool), fc.string({ maxLength: 30 })), { maxLength: 60 }), (lines) => {
        for (const { summarise: one } of SUMMARISERS) {
          const summary = one({ command: 'make', lines });
          if (summary === undefined) continue;
          for (const count of Object.values(summary.counts)) expect(Number.isSafeInteger(count) && count > 0).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['blanks', ' '.repeat(2_000)],
    ['colons', 'a:1:'.repeat(500)],
    ['equals signs', '='.repeat(2_000)],
    ['counts', '1 failed, '.repeat(200)],
    ['digits', '1'.repeat(2_000)],
    ['dashes', `---- ${'- '.repeat(900)}`],
    ['places', `at ${'(a:1:1) '.repeat(240)}`],
    ['parentheses', 'a('.repeat(1_000)],
    ['errors', 'error: x '.repeat(220)],
    ['failures', `--- FAIL: ${'x'.repeat(1_900)} (0.0s)`],
  ])('hostile lines take time in proportion: %s', (_, line) => {
    const lines = Array.from({ length: 500 }, () => line);
    for (const { name, summarise: one } of SUMMARISERS) {
      const begun = process.cpuUsage();
      one({ command: 'make', lines });
      expect(process.cpuUsage(begun).user / 1_000, name).toBeLessThan(1_500);
    }
  });
});
