import { join } from 'node:path';
import { capture, ROOT, say } from './process.mjs';

/**
 * Walks the module graph of src against .dependency-cruiser.mjs. Seeing no module at all is a failure: the walker reports success when it
 * cannot read the sources. Gives an exit code.
 */
export const checkModules = async () => {
  const argv = [join(ROOT, 'node_modules/.bin/depcruise'), 'src', '--config', '.dependency-cruiser.mjs', '--output-type', 'json'];
  const { stdout, stderr } = await capture(argv);
  if (stdout === '') {
    say(`the module walker said nothing: ${stderr.trim()}`);
    return 1;
  }
  const { summary } = JSON.parse(stdout);
  if (!(summary.totalCruised > 0)) {
    say('the module walker saw no module: is its TypeScript the one with an API?');
    return 1;
  }
  const errors = summary.violations.filter((violation) => violation.rule.severity === 'error');
  for (const { rule, from, to } of errors) say(`${rule.name}: ${from}${to === from ? '' : ` -> ${to}`}`);
  say(`${summary.totalCruised} modules, ${errors.length} violations`);
  return errors.length === 0 ? 0 : 1;
};
