import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { createTaskIds } from '../../../src/faces/mcp/task-id.ts';

const key = randomBytes(32);
const ids = createTaskIds(() => Promise.resolve(key));
const target = { execution: 'xabcdefgh234', tool: 'execute_command' };

it('is understood by every server with the same key, and by no other', async () => {
  const id = await ids.mint(target, 'ann');
  expect(await createTaskIds(() => Promise.resolve(Buffer.from(key))).read(id, 'ann')).toEqual(target);
  expect(await createTaskIds(() => Promise.resolve(randomBytes(32))).read(id, 'ann')).toBeUndefined();
});

it('is good for the caller it was made for alone', async () => {
  const id = await ids.mint(target, 'ann');
  expect(await ids.read(id, 'bob')).toBeUndefined();
  expect(await ids.read(id, '')).toBeUndefined();
});

it('cannot be turned into the id of another execution or tool', async () => {
  const [execution = '', tool = '', mac = ''] = (await ids.mint(target, 'ann')).split('.');
  expect(await ids.read(`xabcdefgh235.${tool}.${mac}`, 'ann')).toBeUndefined();
  expect(await ids.read(`${execution}.execute_code.${mac}`, 'ann')).toBeUndefined();
  expect(await ids.read(`${execution}.${tool}.${mac.slice(1)}A`, 'ann')).toBeUndefined();
});

it('takes whatever a client may send', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `xabc.execute_command.${text}`),
      ),
      async (text) => {
        expect(await ids.read(text, 'ann')).toBeUndefined();
      },
    ),
  );
});

it('goes into a header as it is', async () => {
  expect(await ids.mint(target, 'ann')).toMatch(/^[\w.-]{20,128}$/);
});
