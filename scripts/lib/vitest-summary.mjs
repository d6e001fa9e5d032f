import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

/** A vitest reporter: writes what `npm test` counts, and each skip with its reason, to the file named by CORRAL_TEST_SUMMARY. */
export default class SummaryReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const file = process.env.CORRAL_TEST_SUMMARY;
    if (!file) return;
    /** @type {import('./suites.mjs').Tally & { errors: number }} */
    const summary = { passed: 0, failed: 0, errors: unhandledErrors.length, passedNames: [], skips: [] };
    for (const module of modules) {
      const path = relative(process.cwd(), module.moduleId);
      // A file that could not be collected holds no test, and is a failure all the same; so is one whose hook failed.
      const broken = module.errors().length + countSuiteErrors(module);
      summary.failed += broken;
      for (const test of module.children.allTests()) {
        const result = test.result();
        const name = `${path} > ${test.fullName}`;
        if (result.state === 'passed') {
          summary.passed += 1;
          summary.passedNames.push(name);
        } else if (result.state === 'failed') summary.failed += 1;
        else if (broken === 0) summary.skips.push({ name, reason: skipReason(test, result) });
        else summary.failed += 1;
      }
    }
    writeFileSync(file, JSON.stringify(summary));
  }
}

const countSuiteErrors = (module) => {
  let count = 0;
  for (const suite of module.children.allSuites()) count += suite.errors().length;
  return count;
};

/** A note given to skip(), else the name itself, which says why by the rule of the house ("... (needs docker)"). */
const skipReason = (test, result) => {
  if (result.note) return result.note;
  if (result.state === 'pending') return 'never ran';
  if (test.options.mode === 'todo') return 'not written yet';
  return /\(skipped: ([^)]*)/.exec(test.fullName)?.[1] ?? /\(((?:needs|only|without) [^)]*)/.exec(test.fullName)?.[1];
};
