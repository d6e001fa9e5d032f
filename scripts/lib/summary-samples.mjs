// Small projects whose tools are run to record what they really print: one entry a project, its files, and the commands with a name each.
// A command is shell text; `pty: true` runs it on a terminal, with colours. Tools that are not at hand are skipped by name.

const py = (name, body) =>
  `def test_${name}():\n${body
    .split('\n')
    .map((line) => `    ${line}\n`)
    .join('')}\n`;

const passing = (count) => Array.from({ length: count }, (_, index) => index);

export const SAMPLES = [
  {
    tool: 'pytest',
    version: 'pytest --version',
    files: {
      'test_good.py': passing(30)
        .map((index) => py(`sum_${index}`, `assert ${index} + 1 == ${index + 1}`))
        .join('\n'),
      'test_bad.py':
        'import pytest\n\n' +
        py('total', 'prices = [1, 2, 3]\nassert sum(prices) == 7, "the total is off"') +
        py('mapping', "assert {'a': 1, 'b': [1, 2]} == {'a': 1, 'b': [1, 3]}") +
        py('raises', "raise ValueError('no such currency: XYZ')") +
        "@pytest.mark.skip(reason='later')\n" +
        py('later', 'pass') +
        "@pytest.mark.parametrize('n', [1, 2, 3])\ndef test_many(n):\n    assert n != 2\n",
      'broken/test_broken.py': 'import nothing_of_that_name\n\ndef test_x():\n    pass\n',
      'broken/test_fixture.py':
        "import pytest\n\n@pytest.fixture\ndef db():\n    raise RuntimeError('no database')\n\ndef test_uses(db):\n    pass\n",
    },
    runs: {
      pass: 'pytest test_good.py',
      'pass-verbose': 'pytest -v test_good.py',
      fail: 'pytest test_good.py test_bad.py',
      'fail-verbose': 'pytest -v test_good.py test_bad.py',
      'fail-quiet': 'pytest -q test_good.py test_bad.py',
      'fail-short': 'pytest --tb=short test_good.py test_bad.py',
      'collection-error': 'pytest broken/test_broken.py test_good.py',
      'setup-error': 'pytest broken/test_fixture.py',
      'no-tests': 'pytest -k nothing_matches',
      colour: { command: 'pytest --color=yes test_good.py test_bad.py', pty: true },
    },
  },
  {
    tool: 'unittest',
    version: 'python3 --version',
    files: {
      'test_all.py':
        'import unittest\n\nclass Prices(unittest.TestCase):\n' +
        passing(12)
          .map((index) => `    def test_good_${index}(self):\n        self.assertEqual(${index}, ${index})\n`)
          .join('') +
        "    def test_total(self):\n        self.assertEqual(6, 7, 'the total is off')\n" +
        "    def test_raises(self):\n        raise KeyError('currency')\n" +
        "    @unittest.skip('later')\n    def test_later(self):\n        pass\n",
    },
    runs: {
      pass: 'python3 -m unittest test_all.Prices.test_good_1 test_all.Prices.test_good_2',
      fail: 'python3 -m unittest test_all',
      verbose: 'python3 -m unittest -v test_all',
    },
  },
  {
    tool: 'node-test',
    version: 'node --version',
    files: {
      'good.test.mjs': `import test from 'node:test';\n${passing(20)
        .map((index) => `test('adds ${index}', () => {});\n`)
        .join('')}`,
      'bad.test.mjs':
        "import { describe, test } from 'node:test';\nimport assert from 'node:assert/strict';\n" +
        "describe('prices', () => {\n  test('total', () => assert.equal(1 + 2, 4));\n  test('shape', () => assert.deepEqual({ a: [1, 2] }, { a: [1, 3] }));\n" +
        "  test('fine', () => {});\n  test('later', { skip: true }, () => {});\n  test('throws', () => { throw new TypeError('no such currency'); });\n});\n",
    },
    runs: {
      pass: 'node --test good.test.mjs',
      fail: 'node --test good.test.mjs bad.test.mjs',
      spec: 'node --test --test-reporter=spec good.test.mjs bad.test.mjs',
      colour: { command: 'node --test good.test.mjs bad.test.mjs', pty: true },
    },
  },
  {
    tool: 'vitest',
    version: 'vitest --version',
    files: {
      'package.json': '{ "type": "module" }\n',
      'good.test.ts': `import { expect, test } from 'vitest';\n${passing(25)
        .map((index) => `test('adds ${index}', () => expect(${index}).toBe(${index}));\n`)
        .join('')}`,
      'bad.test.ts':
        "import { describe, expect, test } from 'vitest';\ndescribe('prices', () => {\n  test('total', () => expect(1 + 2).toBe(4));\n" +
        "  test('shape', () => expect({ a: [1, 2], b: 'x' }).toEqual({ a: [1, 3], b: 'x' }));\n  test('fine', () => {});\n  test.skip('later', () => {});\n" +
        "  test('throws', () => { throw new TypeError('no such currency'); });\n});\n",
      'broken.test.ts': "import { nothing } from './nowhere.ts';\nimport { test } from 'vitest';\ntest('x', () => nothing());\n",
    },
    setup: 'ln -s "$NODE_MODULES" node_modules',
    runs: {
      pass: 'vitest run good',
      fail: 'vitest run good bad',
      verbose: 'vitest run --reporter=verbose good bad',
      'load-error': 'vitest run good broken',
      colour: { command: 'vitest run good bad', pty: true },
    },
  },
  {
    tool: 'jest',
    version: 'jest --version',
    files: {
      'package.json': '{ "name": "sample" }\n',
      'good.test.js': passing(25)
        .map((index) => `test('adds ${index}', () => expect(${index}).toBe(${index}));\n`)
        .join(''),
      'bad.test.js':
        "describe('prices', () => {\n  test('total', () => expect(1 + 2).toBe(4));\n" +
        "  test('shape', () => expect({ a: [1, 2], b: 'x' }).toEqual({ a: [1, 3], b: 'x' }));\n  test('fine', () => {});\n  test.skip('later', () => {});\n" +
        "  test('throws', () => { throw new TypeError('no such currency'); });\n});\n",
      'broken.test.js': "const nothing = require('./nowhere.js');\ntest('x', () => nothing());\n",
    },
    runs: {
      pass: 'jest good',
      fail: 'jest good bad',
      verbose: 'jest --verbose good bad',
      'load-error': 'jest good broken',
      colour: { command: 'jest good bad', pty: true },
    },
  },
  {
    tool: 'mocha',
    version: 'mocha --version',
    files: {
      'good.spec.js': `describe('good', () => {\n${passing(25)
        .map((index) => `  it('adds ${index}', () => {});\n`)
        .join('')}});\n`,
      'bad.spec.js':
        "const assert = require('node:assert');\ndescribe('prices', () => {\n  it('total', () => assert.strictEqual(1 + 2, 4));\n" +
        "  it('shape', () => assert.deepStrictEqual({ a: [1, 2] }, { a: [1, 3] }));\n  it('fine', () => {});\n  it('later');\n" +
        "  it('throws', () => { throw new TypeError('no such currency'); });\n});\n",
    },
    runs: {
      pass: 'mocha good.spec.js',
      fail: 'mocha good.spec.js bad.spec.js',
      colour: { command: 'mocha good.spec.js bad.spec.js', pty: true },
    },
  },
  {
    tool: 'go',
    version: 'go version',
    files: {
      'go.mod': 'module example.com/shop\n\ngo 1.21\n',
      'price/price.go': 'package price\n\nfunc Total(a, b int) int { return a + b }\n',
      'price/price_test.go':
        'package price\n\nimport "testing"\n\nfunc TestTotal(t *testing.T) {\n\tif got := Total(1, 2); got != 4 {\n\t\tt.Errorf("Total(1, 2) = %d, want 4", got)\n\t}\n}\n\n' +
        'func TestTable(t *testing.T) {\n\tfor _, name := range []string{"one", "two"} {\n\t\tt.Run(name, func(t *testing.T) {\n\t\t\tif name == "two" {\n\t\t\t\tt.Fatal("two is not one")\n\t\t\t}\n\t\t})\n\t}\n}\n\n' +
        'func TestPanics(t *testing.T) {\n\tvar m map[string]int\n\tif testing.Short() {\n\t\tt.Skip("short")\n\t}\n\tm["x"] = 1\n}\n',
      'good/good.go': 'package good\n\nfunc One() int { return 1 }\n',
      'good/good_test.go': `package good\n\nimport "testing"\n\n${passing(20)
        .map((index) => `func TestGood${index}(t *testing.T) { _ = One() }\n`)
        .join('')}`,
      '_missing/missing.go': 'package missing\n\nimport _ "github.com/none/such"\n',
      'broken/broken.go': 'package broken\n\nimport "fmt"\n\nfunc Broken() int {\n\tvar unused string\n\treturn "text"\n}\n',
    },
    runs: {
      pass: 'go test ./good',
      'pass-verbose': 'go test -v -count=1 ./good',
      fail: 'go test -short -count=1 ./good ./price',
      'fail-verbose': 'go test -short -v -count=1 ./good ./price',
      panic: 'go test -count=1 ./price',
      'build-failed': 'go test -count=1 ./good ./broken',
      'build-error': 'go build ./...',
      vet: 'go vet ./broken',
      'mod-missing': 'GOFLAGS=-mod=mod GOPROXY=off go build ./_missing',
    },
  },
  {
    tool: 'cargo',
    version: 'cargo --version',
    files: {
      'Cargo.toml': '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n',
      'src/lib.rs': `pub fn total(a: i32, b: i32) -> i32 { a + b }\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n${passing(20)
        .map((index) => `    #[test]\n    fn good_${index}() { assert_eq!(total(${index}, 0), ${index}); }\n`)
        .join(
          '',
        )}    #[test]\n    #[ignore]\n    fn later() {}\n    #[cfg(feature = "bad")]\n    #[test]\n    fn bad_total() { assert_eq!(total(1, 2), 4, "the total is off"); }\n    #[cfg(feature = "bad")]\n    #[test]\n    fn bad_panic() { panic!("no such currency"); }\n}\n\n#[cfg(feature = "broken")]\npub fn broken() -> i32 { let unused = 1; missing_name + "text" }\n#[cfg(feature = "warned")]\npub fn warned() { let unused = 1; }\n`,
    },
    setup: `printf '\\n[features]\\nbad = []\\nbroken = []\\nwarned = []\\n' >> Cargo.toml`,
    runs: {
      pass: 'cargo test',
      fail: 'cargo test --features bad',
      'build-ok': 'touch src/lib.rs && cargo build',
      'build-warning': 'cargo build --features warned',
      'build-error': 'cargo build --features broken',
      'test-build-error': 'cargo test --features broken',
      colour: { command: 'cargo test --color=always --features bad', pty: true },
      rustc: 'rustc --crate-type lib --edition 2021 --cfg \'feature="broken"\' src/lib.rs',
      'fetch-error': 'cargo add no-such-crate-of-corral --offline',
    },
  },
  {
    tool: 'gcc',
    version: 'gcc --version | head -1',
    files: {
      'good.c': 'int main(void) { return 0; }\n',
      'warn.c': '#include <stdio.h>\nint main(void) {\n  int unused = 1;\n  printf("%d\\n", "text");\n  return 0;\n}\n',
      'bad.c':
        '#include "helper.h"\nint main(void) {\n  int total = price(1, 2)\n  return totl;\n}\nstruct point { int x; };\nint f(struct point p) { return p.y + undefined_name; }\n',
      'helper.h': 'static int price(int a, int b) { return a + b; }\n',
      'fatal.c': '#include "nowhere.h"\n',
      'link.c': 'int missing(void);\nint main(void) { return missing(); }\n',
      'bad.cpp': '#include <vector>\n#include <string>\nint main() { std::vector<std::string> v; v.push_back(1); int x = v; return x; }\n',
    },
    runs: {
      warning: 'gcc -Wall -Wextra -c warn.c',
      error: 'gcc -Wall -c bad.c',
      fatal: 'gcc -c fatal.c',
      link: 'gcc link.c -o link',
      cpp: 'g++ -c bad.cpp',
      make: "printf 'all: warn.o bad.o\\n%%.o: %%.c\\n\\tgcc -Wall -c $< -o $@\\n' > Makefile && make -k",
      colour: { command: 'gcc -fdiagnostics-color=always -Wall -c bad.c', pty: true },
    },
  },
  {
    tool: 'ctest',
    version: 'ctest --version | head -1',
    files: {
      'CMakeLists.txt':
        'cmake_minimum_required(VERSION 3.10)\nproject(shop C)\nenable_testing()\nforeach(i RANGE 1 12)\n  add_test(NAME good_${i} COMMAND true)\nendforeach()\nadd_test(NAME bad_total COMMAND sh -c "echo total is 3, not 4; exit 1")\nadd_test(NAME bad_crash COMMAND sh -c "kill -SEGV $$")\n',
    },
    setup: 'mkdir -p b && cd b && cmake .. > /dev/null',
    runs: {
      pass: 'cd b && ctest -E bad',
      fail: 'cd b && ctest',
      'fail-output': 'cd b && ctest --output-on-failure',
    },
  },
  {
    tool: 'gtest',
    version: 'dpkg-query -W -f "\\${Version}" libgtest-dev',
    files: {
      'all.cc': `#include <gtest/gtest.h>\n${passing(15)
        .map((index) => `TEST(Good, Sum${index}) { EXPECT_EQ(${index}, ${index}); }\n`)
        .join(
          '',
        )}TEST(Bad, Total) { EXPECT_EQ(1 + 2, 4) << "the total is off"; }\nTEST(Bad, Text) { ASSERT_STREQ("a", "b"); }\nTEST(Bad, Later) { GTEST_SKIP() << "later"; }\n`,
    },
    setup: 'g++ all.cc -lgtest -lgtest_main -lpthread -o all_tests',
    runs: {
      pass: "./all_tests --gtest_filter='Good.*'",
      fail: './all_tests',
      colour: { command: './all_tests --gtest_color=yes', pty: true },
    },
  },
  {
    tool: 'tsc',
    version: 'tsc --version',
    files: {
      'good.ts': 'export const one: number = 1;\n',
      'bad.ts':
        "import { nothing } from './nowhere';\nexport const total: number = 'three';\ninterface Price { amount: number; currency: string }\nexport const price: Price = { amount: 1 };\nexport const f = (p: Price) => p.amout + nothing;\n",
    },
    runs: {
      pass: 'tsc --noEmit --strict good.ts',
      error: 'tsc --noEmit --strict bad.ts',
      pretty: { command: 'tsc --noEmit --strict --pretty bad.ts', pty: true },
    },
  },
  {
    tool: 'javac',
    version: 'javac -version',
    files: {
      'Good.java': 'class Good { int one() { return 1; } }\n',
      'Bad.java':
        'import java.util.*;\nclass Bad {\n  int total() { return "three"; }\n  List raw = new ArrayList();\n  void f() { missing(); int x = 1 }\n}\n',
      'Worse.java': 'class Worse {\n  int total() { return "three"; }\n  void f() { missing(); }\n}\n',
    },
    runs: { pass: 'javac Good.java', error: 'javac Bad.java', errors: 'javac Worse.java', warning: 'javac -Xlint:all -d out Good.java' },
  },
  {
    tool: 'eslint',
    version: 'eslint --version',
    files: {
      'eslint.config.js':
        "module.exports = [{ files: ['*.js'], languageOptions: { sourceType: 'commonjs', globals: {} }, rules: { 'no-unused-vars': 'error', 'no-undef': 'error', eqeqeq: 'warn' } }];\n",
      'good.js': 'const one = 1;\nmodule.exports = one;\n',
      'bad.js': 'const unused = 1;\nif (missing == 2) undefinedCall();\n',
      'worse.js': 'let x = ;\n',
    },
    runs: { pass: 'eslint good.js', error: 'eslint bad.js worse.js', colour: { command: 'eslint --color bad.js worse.js', pty: true } },
  },
  {
    tool: 'oxlint',
    version: 'oxlint --version',
    files: { 'bad.js': 'const unused = 1;\ndebugger;\nif (NaN == 2) alert();\n', 'good.js': 'export const one = 1;\n' },
    runs: { pass: 'oxlint good.js', warning: 'oxlint bad.js', error: 'oxlint -D correctness bad.js' },
  },
  {
    tool: 'npm',
    version: 'npm --version',
    files: { 'package.json': '{ "name": "sample", "version": "1.0.0", "scripts": { "bad": "exit 3" } }\n' },
    runs: {
      install: 'npm install left-pad@1.3.0 ms@2.1.3 --no-audit',
      'install-audit': 'npm install request@2.88.2',
      'up-to-date': 'npm install',
      missing: 'npm install no-such-package-of-corral-tests@1.0.0',
      'no-version': 'npm install ms@99.0.0',
      conflict: 'npm install react@18.2.0 react-dom@17.0.2 --no-audit',
      script: 'npm run bad',
    },
  },
  {
    tool: 'pip',
    version: 'pip --version',
    files: { 'requirements.txt': 'idna==3.7\ncertifi==2024.2.2\n' },
    setup: 'python3 -m venv v',
    runs: {
      install: 'v/bin/pip install -r requirements.txt',
      satisfied: 'v/bin/pip install -r requirements.txt',
      missing: 'v/bin/pip install idna==99.99',
      conflict: 'v/bin/pip install "requests==2.31.0" "idna==1.0"',
      colour: { command: 'v/bin/pip install --force-reinstall idna==3.7', pty: true },
    },
  },
  {
    tool: 'apt-get',
    version: 'apt-get --version | head -1',
    files: {},
    runs: {
      simulate: 'apt-get install --simulate tree',
      present: 'apt-get install --simulate coreutils',
      missing: 'apt-get install -y no-such-package-of-corral',
      update: 'apt-get update',
    },
  },
  {
    tool: 'maven',
    version: 'mvn -v -B | head -1',
    files: {
      'pom.xml':
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>com.example</groupId><artifactId>shop</artifactId><version>1</version><properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties><dependencies><dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.13.2</version><scope>test</scope></dependency></dependencies></project>\n',
      'src/test/java/ShopTest.java': `import org.junit.*;\nimport static org.junit.Assert.*;\npublic class ShopTest {\n${passing(8)
        .map((index) => `  @Test public void good${index}() {}\n`)
        .join(
          '',
        )}  @Test public void total() { assertEquals("the total is off", 4, 3); }\n  @Test public void raises() { throw new IllegalStateException("no such currency"); }\n  @Ignore @Test public void later() {}\n}\n`,
    },
    setup: 'mvn -q -B dependency:go-offline > /dev/null 2>&1 || true; mvn -q -B test > /dev/null 2>&1 || true',
    runs: {
      fail: 'mvn -B test',
      'compile-error': 'mkdir -p src/main/java && echo "class X { int f() { return missing; } }" > src/main/java/X.java && mvn -B test',
    },
  },
  {
    tool: 'progress',
    folder: 'progress',
    version: 'wget --version | head -1',
    files: {},
    setup:
      'head -c 3000000 /dev/zero > blob && (python3 -m http.server 18765 --bind 127.0.0.1 > /dev/null 2>&1 & echo $! > pid) && for i in 1 2 3 4 5 6 7 8 9; do curl -s -o /dev/null http://127.0.0.1:18765/ && break; sleep 0.3; done; git init -q repo && cd repo && for i in $(seq 1 300); do head -c 3000 /dev/urandom > $i; done && git add . && git -c user.name=a -c user.email=a@example.com commit -qm x',
    after: 'kill $(cat pid)',
    runs: {
      wget: 'wget -O /dev/null http://127.0.0.1:18765/blob',
      'wget-terminal': { command: 'wget --limit-rate=3m -O /dev/null http://127.0.0.1:18765/blob', pty: true },
      curl: 'curl --limit-rate 2M -o /dev/null http://127.0.0.1:18765/blob',
      'git-clone': { command: 'git clone --no-local --progress repo copy', pty: true },
      dd: 'dd if=/dev/zero of=/dev/null bs=1M count=60000 status=progress',
      'npm-terminal': { command: 'mkdir -p n && cd n && npm install express@4.19.2 --no-audit', pty: true },
      tar: 'tar -cf /dev/null --checkpoint=20 repo',
    },
  },
];
