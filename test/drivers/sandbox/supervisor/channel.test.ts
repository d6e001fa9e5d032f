import { describe, expect, test } from 'vitest';
import { createChannel } from '../../../../src/drivers/sandbox/supervisor/channel.ts';
import { FrameWriter } from '../../../../src/drivers/sandbox/supervisor/frames.ts';
import { REPLY, REQUEST } from '../../../../src/drivers/sandbox/supervisor/protocol.ts';
import { CorralError } from '../../../../src/ports/errors.ts';
import { failure } from '../../../support/sandboxes.ts';

const CONTEXT = { action: 'test', path: '/x' };
const nothing = (): void => {};

const open = (answerMs?: number) => {
  const sent: Buffer[] = [];
  const channel = createChannel({ write: (frame) => void sent.push(frame), onEvent: nothing, ...(answerMs !== undefined && { answerMs }) });
  const ask = () => {
    const request = channel.begin(REQUEST.stats);
    return { id: request.id, answer: channel.call(request, REPLY.ok, CONTEXT, nothing) };
  };
  const receive = (frame: Buffer) => channel.feed(frame, frame.length);
  return { channel, sent, ask, receive };
};

describe('a channel', () => {
  test('sends each request as one piece, and finds its reply by id, in any order', async () => {
    const { sent, ask, receive } = open();
    const [first, second] = [ask(), ask()];
    expect(sent).toHaveLength(2);
    const order: number[] = [];
    void first.answer.then(() => order.push(1));
    void second.answer.then(() => order.push(2));
    receive(new FrameWriter().head(REPLY.ok, second.id).finish());
    await second.answer;
    receive(new FrameWriter().head(REPLY.ok, first.id).finish());
    await first.answer;
    expect(order).toEqual([2, 1]);
  });

  test('turns an error of the supervisor into one that says what to do', async () => {
    const { ask, receive } = open();
    const { id, answer } = ask();
    const waiting = failure(answer);
    receive(new FrameWriter().head(REPLY.error, id).u16(12).i32(2).str('x').finish());
    expect(await waiting).toMatchObject({ code: 'not_found', message: '"/x" does not exist.', details: { errno: 'ENOENT' } });
  });

  test('does not show control characters, nor long texts, of the supervisor', async () => {
    const { ask, receive } = open();
    const { id, answer } = ask();
    const waiting = failure(answer);
    receive(
      new FrameWriter()
        .head(REPLY.error, id)
        .u16(15)
        .i32(5)
        .str(`\u001b[2Jbad\n${'x'.repeat(5000)}`)
        .finish(),
    );
    const { message } = await waiting;
    expect(message).not.toMatch(/[\u0000-\u001f]/);
    expect(message.length).toBeLessThan(400);
  });

  test('refuses what comes after it failed, with the same error', async () => {
    const { channel, ask } = open();
    const before = failure(ask().answer);
    channel.fail(new CorralError('lost', 'gone'));
    expect([(await before).message, (await failure(ask().answer)).message]).toEqual(['gone', 'gone']);
  });

  test('refuses more than 4096 requests at once', async () => {
    const { channel, ask } = open();
    const all = Array.from({ length: 4096 }, () => failure(ask().answer));
    expect((await failure(ask().answer)).code).toBe('limit_exceeded');
    channel.fail(new CorralError('lost', 'gone'));
    await Promise.all(all);
  });

  test('knows what has waited too long, and gives those that may more time', async () => {
    const { channel, ask, receive } = open(20);
    const patient = channel.begin(REQUEST.waitPort);
    void channel.call(patient, REPLY.waitPort, { action: 'wait' }, nothing, 60_000);
    expect(channel.overdue()).toBeUndefined();
    const { id, answer } = ask();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(channel.overdue()).toBe('test');
    receive(new FrameWriter().head(REPLY.ok, id).finish());
    await answer;
    expect(channel.overdue()).toBeUndefined();
  });
});
