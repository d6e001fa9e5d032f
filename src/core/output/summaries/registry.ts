import { apt } from './apt.ts';
import { cargoTest } from './cargo-test.ts';
import { ctest } from './ctest.ts';
import { eslint, oxlint } from './eslint.ts';
import { gcc } from './gcc.ts';
import { goBuild } from './go-build.ts';
import { goTest } from './go-test.ts';
import { gtest } from './gtest.ts';
import { javac } from './javac.ts';
import { jest } from './jest.ts';
import { maven } from './maven.ts';
import { mocha } from './mocha.ts';
import { nodeTest } from './node-test.ts';
import { npm } from './npm.ts';
import { pip } from './pip.ts';
import { pytest } from './pytest.ts';
import { rustc } from './rustc.ts';
import type { Summariser } from './summary.ts';
import { tsc } from './tsc.ts';
import { unittest } from './unittest.ts';
import { vitest } from './vitest.ts';

/**
 * The tools whose output is summarised. Of several that one command ran, the first that knows how it ended speaks: test runners before
 * compilers, because they run them, and package managers last.
 */
export const SUMMARISERS: readonly Summariser[] = [
  pytest,
  unittest,
  vitest,
  jest,
  mocha,
  nodeTest,
  goTest,
  cargoTest,
  maven,
  ctest,
  gtest,
  tsc,
  rustc,
  gcc,
  goBuild,
  javac,
  eslint,
  oxlint,
  npm,
  pip,
  apt,
];
