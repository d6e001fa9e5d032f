import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScreens, type Screens } from '../../../src/core/terminal/screens.ts';
import { memoryLogs, REF } from '../output/logs.ts';

const sizes = [{ at: 0, cols: 20, rows: 5 }];

let screens: Screens;
let kept: ReturnType<typeof memoryLogs>;
beforeEach(() => {
  kept = memoryLogs({ stdout: 'ab\u001b[6nc' });
  screens = createScreens(kept.logs);
});
afterEach(() => screens[Symbol.asyncDispose]());

const show = (to: number) => screens.show({ ref: REF, sizes, to });

describe('the screens of executions', () => {
  it('are drawn off the event loop, in the order in which they were asked for', async () => {
    const shown = await Promise.all([show(1), show(2), show(7)]);
    expect(shown.map(({ text }) => text)).toEqual(['a', 'ab', 'abc']);
  });

  it('answer what a program asks once, whoever draws it', async () => {
    const answers: string[] = [];
    using _ = screens.answer(REF.execution, 0, (data) => answers.push(data));
    await Promise.all([show(7), show(7)]);
    await show(7);
    expect(answers).toEqual(['\u001b[1;3R']);
  });

  it('answer nothing that was asked before, and nothing any more when nobody listens', async () => {
    const answers: string[] = [];
    {
      using _ = screens.answer(REF.execution, 7, (data) => answers.push(data));
      await show(7);
      kept.append('stdout', '\u001b[5n');
      await show(11);
    }
    kept.append('stdout', '\u001b[5n');
    await show(15);
    expect(answers).toEqual(['\u001b[0n']);
  });

  it('fail with a reason when the server is ending', async () => {
    await show(1);
    await screens[Symbol.asyncDispose]();
    await expect(show(1)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
