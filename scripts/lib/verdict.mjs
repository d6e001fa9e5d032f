/** Drivers that a continuous integration run must have exercised: a skip there would pass for a proof. */
const EXPECTED_DRIVERS = ['bubblewrap'];

/**
 * What is wrong with a run that claims to have tested the expected drivers; empty when nothing is.
 * @param {import('./suites.mjs').Tally} tally
 */
export const missingDrivers = (tally) =>
  EXPECTED_DRIVERS.flatMap((driver) => {
    const names = new RegExp(driver === 'bubblewrap' ? 'bubblewrap|bwrap' : driver, 'i');
    // A suite of the driver may skip for other reasons, such as a language that is not installed: the reason decides.
    const skipped = tally.skips.filter((skip) => names.test(skip.reason || skip.name));
    if (skipped.length > 0)
      return [`${driver} was expected here, but ${skipped.length} of its tests were skipped, such as ${told(skipped[0])}`];
    return tally.passedNames.some((name) => names.test(name)) ? [] : [`${driver} was expected here, but no passing test names it`];
  });

/** One line, whatever was caught and put into a name. */
const told = (skip) => `${skip.name}: ${skip.reason || 'no reason given'}`.replace(/\s+/g, ' ').slice(0, 400);

/** Every skip on its line, then the counts alone on the last one. */
export const report = (tally) =>
  [
    ...tally.skips.map((skip) => `skipped: ${told(skip)}`),
    `${tally.passed} passed, ${tally.failed} failed, ${tally.skips.length} skipped`,
  ].join('\n');
