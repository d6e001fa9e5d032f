import { describe, expect, it } from 'vitest';
import { parseShell } from '../../../../src/core/policy/shell/parse.ts';
import { wordText, type ShellPlan } from '../../../../src/core/policy/shell/plan.ts';
import { whyNoBubblewrap } from '../../../support/run-bubblewrap.ts';
import { askBash } from './bash-oracle.ts';
import { createGenerator, randomFrom } from './generate.ts';
import { runOnPaper, type Started, type World } from './reference-runner.ts';

/** CORRAL_FUZZ_COUNT=20000 for the long run, CORRAL_FUZZ_SEED for other texts. */
const COUNT = Number(process.env['CORRAL_FUZZ_COUNT'] ?? 2000);
const SEED = Number(process.env['CORRAL_FUZZ_SEED'] ?? 20_261_120);
const BATCH = 500;
const MS_EACH = 60;

const NAMES = ['ls', 'cat', 'echo', 'grep', 'wc', 'sort', 'true', 'false', 'printf', 'test'];
const ENTRIES = ['a', 'b.txt', 'c.txt', 'src/', 'src/one.ts', 'src/two.txt', '.hidden', 'sub/', 'sub/a', 'é'];

const world: World = {
  cwd: '/w',
  home: '/home/u',
  files: ENTRIES.filter((entry) => !entry.endsWith('/')).map((entry) => `/w/${entry}`),
  folders: ['/w', '/home', '/home/u', ...ENTRIES.filter((entry) => entry.endsWith('/')).map((entry) => `/w/${entry.slice(0, -1)}`)],
  statusOf: (name) => (name === 'false' ? 1 : NAMES.includes(name) ? 0 : 127),
};

/** Patterns that leave the little world cannot be expanded on paper. */
const leaves = (plan: ShellPlan): boolean =>
  plan.steps.some(({ stages }) =>
    stages.some((stage) =>
      stage.kind === 'cd'
        ? /^\/|\.\./.test(stage.path)
        : stage.argv.some((word) => word.some((part) => 'glob' in part) && /^[/~]|\.\./.test(wordText(word))),
    ),
  );

/** Files to redirect to are for the decision to grant, and here nobody did. */
const redirects = (plan: ShellPlan): boolean =>
  plan.steps.some(({ stages }) =>
    stages.some((stage) => stage.kind === 'command' && stage.redirects.some(({ target }) => target.kind === 'file')),
  );

/** Only stubs leave a trace; a pipeline has no order. */
const told = (started: readonly Started[]): readonly string[] =>
  started
    .filter(({ argv }) => NAMES.includes(argv[0] ?? ''))
    .map((one) => JSON.stringify(one))
    .sort();

const accepted = (count: number, seed: number): readonly { readonly text: string; readonly plan: ShellPlan }[] => {
  const generator = createGenerator(randomFrom(seed));
  const found = new Map<string, ShellPlan>();
  for (let tries = 0; found.size < count && tries < count * 20; tries += 1) {
    const text = generator.next();
    const parsed = parseShell(text);
    if (parsed.ok && !leaves(parsed.plan) && !redirects(parsed.plan)) found.set(text, parsed.plan);
  }
  return [...found].map(([text, plan]) => ({ text, plan }));
};

const reason = whyNoBubblewrap();

describe.skipIf(reason !== undefined)(
  `text that is accepted, in real bash${reason === undefined ? '' : `: skipped, no bubblewrap: ${reason}`}`,
  () => {
    it(
      `starts what the plan says, ${String(COUNT)} texts, seed ${String(SEED)}`,
      async () => {
        const cases = accepted(COUNT, SEED);
        expect(cases.length).toBe(COUNT);
        const wrong: unknown[] = [];
        for (let at = 0; at < cases.length; at += BATCH) {
          const batch = cases.slice(at, at + BATCH);
          const { started, files } = await askBash(
            batch.map(({ text }) => text),
            { names: NAMES, entries: ENTRIES },
          );
          expect(started.length).toBe(batch.length);
          expect([...files].sort()).toEqual(ENTRIES.map((entry) => `/w/${entry.replace(/\/$/, '')}`).sort());
          for (const [index, { text, plan }] of batch.entries()) {
            const [plans, bash] = [told(runOnPaper(plan, world)), told(started[index] ?? [])];
            if (JSON.stringify(plans) !== JSON.stringify(bash)) wrong.push({ text, plans, bash });
          }
        }
        expect(wrong.slice(0, 10)).toEqual([]);
      },
      20_000 + COUNT * MS_EACH,
    );

    it('sees a difference when there is one', async () => {
      const { started } = await askBash(['echo $(ls)', 'rm() { cat x; }; rm'], { names: NAMES, entries: ENTRIES });
      expect(started.map((each) => each.map(({ argv }) => argv.join(' ')))).toEqual([['ls', 'echo'], ['cat x']]);
    });
  },
);
