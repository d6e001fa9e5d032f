import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseShell } from '../../../src/core/policy/shell/parse.ts';
import { wordText, type ShellPlan } from '../../../src/core/policy/shell/plan.ts';
import { openPlanLab, type PlanLab } from '../../support/plan-lab.ts';
import { createRandom, generateText } from '../../support/plan-texts.ts';
import { whyNoBubblewrap } from '../../support/run-bubblewrap.ts';

/** CORRAL_PLAN_STRINGS=20000 for the long run; CORRAL_PLAN_SEED for other texts. */
const STRINGS = Number(process.env['CORRAL_PLAN_STRINGS'] ?? 2000);
const SEED = Number(process.env['CORRAL_PLAN_SEED'] ?? 11);
const AT_ONCE = 2;
/** A text of the generator is accepted at least this often, or it no longer fits the grammar. */
const ACCEPTED = 0.3;

/** Comments swallow the ends of lines, so anything may become a name. The decision refuses one with a slash; `[` is bash's own, and a program elsewhere. */
const isComparable = ({ steps }: ShellPlan): boolean =>
  steps.every(({ stages }) => stages.every((stage) => stage.kind === 'cd' || !/^\[$|\//.test(wordText(stage.argv[0] ?? []))));

const acceptedTexts = (count: number): readonly { readonly text: string; readonly plan: ShellPlan }[] => {
  const random = createRandom(SEED);
  const accepted = new Map<string, ShellPlan>();
  let made = 0;
  for (; accepted.size < count; made += 1) {
    if (made > count / ACCEPTED) throw new Error(`only ${String(accepted.size)} of ${String(made)} texts were accepted`);
    const text = generateText(random);
    const parsed = parseShell(text);
    if (parsed.ok && isComparable(parsed.plan)) accepted.set(text, parsed.plan);
  }
  return [...accepted].map(([text, plan]) => ({ text, plan }));
};

describe.skipIf(whyNoBubblewrap() !== undefined)('plans and bash', () => {
  let lab: PlanLab;
  beforeAll(async () => {
    lab = await openPlanLab();
  });
  afterAll(async () => lab[Symbol.asyncDispose]());

  test(`come to the same for ${String(STRINGS)} texts`, { timeout: 60_000 + STRINGS * 60 }, async () => {
    const texts = acceptedTexts(STRINGS);
    const size = Math.ceil(texts.length / AT_ONCE);
    const results = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => lab.compare(texts.slice(index * size, (index + 1) * size), String(index))),
    );
    const pairs = results.flat();
    const started = pairs.reduce((sum, { shell }) => sum + shell.started.length, 0);
    expect(pairs).toHaveLength(STRINGS);
    expect(started).toBeGreaterThan(STRINGS);
    const different = pairs.filter(({ shell, ours }) => JSON.stringify(shell) !== JSON.stringify(ours));
    if (different.length > 0) console.log(`${String(different.length)} of ${String(STRINGS)} differ`);
    for (const { text, shell, ours } of different.slice(0, Number(process.env['CORRAL_PLAN_SHOW'] ?? 5)))
      expect.soft(ours, text).toEqual(shell);
    expect(different.map(({ text }) => text)).toEqual([]);
  });
});
