/** The failures that are told one by one; the rest are counted. */
const TOLD = 40;
const SAY_EVERY = 5000;

/** Accounts for every unit: right, wrong, or not started because its server died before. */
export const createTally = (expected, say) => {
  const kinds = new Map();
  const failures = [];
  let judged = 0;
  let neverStarted = 0;
  let wrongCount = 0;
  const note = () => {
    if ((judged + neverStarted) % SAY_EVERY === 0) say(`${judged + neverStarted} of ${expected}, ${wrongCount} wrong`);
  };
  return {
    judged: (unit, token, wrong) => {
      judged += 1;
      kinds.set(unit.kind, (kinds.get(unit.kind) ?? 0) + 1);
      if (wrong !== undefined) {
        wrongCount += 1;
        const line = `${token} (${unit.kind}): ${wrong}`;
        if (failures.length < TOLD) {
          failures.push(line.slice(0, 600));
          say(`FAIL ${line.slice(0, 600)}`);
        }
      }
      note();
    },
    neverStarted: () => {
      neverStarted += 1;
      note();
    },
    get failures() {
      const open = expected - judged - neverStarted;
      return [
        ...failures,
        ...(wrongCount > failures.length ? [`and ${wrongCount - failures.length} more`] : []),
        ...(open === 0 ? [] : [`${open} executions are not accounted for`]),
      ];
    },
    summary: () =>
      `${judged} judged by outcome, exit code and every byte, ${neverStarted} had not started when their server died, ${wrongCount} wrong\n  ` +
      [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', '),
  };
};
