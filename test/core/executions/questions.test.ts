import { beforeEach, expect, it } from 'vitest';
import { createQuestions, type Answer, type Questions } from '../../../src/core/executions/questions.ts';
import type { Executions, Look } from '../../../src/core/executions/types.ts';

let lastInput: number;
let written: { readonly text: string; readonly end: boolean }[];
let questions: Questions;

beforeEach(() => {
  lastInput = Number.NEGATIVE_INFINITY;
  written = [];
  questions = createQuestions({
    follow: () => Promise.resolve({ lastInput } as unknown as Awaited<ReturnType<Executions['follow']>>),
    write: (_id, data, end) => {
      written.push({ text: Buffer.from(data).toString(), end });
      lastInput = lastInput > 0 ? lastInput + 1000 : 1000;
      return Promise.resolve();
    },
  });
});

const look = (needsInput: Look['needsInput'], stdoutBytes = 6): Look =>
  ({ record: { id: 'x1', status: 'running' }, exit: undefined, stdoutBytes, stderrBytes: 0, needsInput }) as unknown as Look;

const asking = look({ program: 'bash', prompt: 'Name?' });

const keyIn = async (at: Look): Promise<string> => (await questions.of(at)).questions?.[0]?.key ?? '';

const accept = (key: string, text: unknown): Answer => ({ key, action: 'accept', content: { text } });

it('asks what the program asked, under one name for as long as nobody answers', async () => {
  expect(await questions.of(asking)).toEqual({
    waits: 'bash waits for input: Name?',
    questions: [{ key: await keyIn(asking), message: 'bash waits for input: Name?' }],
  });
  expect(await keyIn(asking)).toBe(await keyIn(asking));
});

it('has another name for the next question, even where the program prints nothing between the two', async () => {
  const first = await keyIn(asking);
  expect(await questions.answer(asking, accept(first, 'Ann'))).toBe(true);
  expect(written).toEqual([{ text: 'Ann\n', end: false }]);
  const second = await keyIn(asking);
  expect(second).not.toBe(first);
  expect(await questions.answer(asking, accept(first, 'again'))).toBe(false);
  expect(written).toHaveLength(1);
});

it('has another name once more was printed', async () => {
  expect(await keyIn(look({ program: 'bash' }, 7))).not.toBe(await keyIn(asking));
});

it('ends the input of a program whose question is declined, and leaves one alone whose question is put off', async () => {
  const key = await keyIn(asking);
  expect(await questions.answer(asking, { key, action: 'cancel' })).toBe(false);
  expect(written).toEqual([]);
  expect(await questions.answer(asking, { key, action: 'decline' })).toBe(true);
  expect(written).toEqual([{ text: '', end: true }]);
});

it('asks for no secret, and takes none', async () => {
  const secret = look({ program: 'sudo', prompt: 'Password:', hidden: true });
  expect(await questions.of(secret)).toEqual({ waits: 'sudo waits for a secret, which is not asked for here' });
  expect(await questions.answer(secret, accept(await keyIn(asking), 'hunter2'))).toBe(false);
  expect(written).toEqual([]);
});

it('takes nothing that is no text, and nothing while no question is open', async () => {
  const key = await keyIn(asking);
  for (const text of [undefined, 5, ['a'], { a: 1 }]) expect(await questions.answer(asking, accept(key, text))).toBe(false);
  expect(await questions.of(look(undefined))).toEqual({});
  expect(await questions.answer(look(undefined), accept(key, 'a'))).toBe(false);
  expect(written).toEqual([]);
});
