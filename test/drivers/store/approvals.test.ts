import { expect, test } from 'vitest';
import { aQuestion } from '../../contract/approvals.ts';
import { aFolder } from './folder.ts';

const NOW = 1_760_000_000_000;

test('of two servers on one file that look for one grant at once, one gets it; and both share one question', async () => {
  await using place = await aFolder();
  const [one, two] = [await place.open(), await place.open()];
  for (let round = 0; round < 40; round += 1) {
    const binding = `binding ${round}`;
    const asked = await Promise.all(
      [one, two].map((store, index) => store.approvals.ask(aQuestion(`a${round}-${index}`, { binding }), 999)),
    );
    expect(asked[0]?.id).toBe(asked[1]?.id);
    const answer = { state: 'granted', scope: 'once', answeredMs: NOW, answeredBy: 'me', expiresMs: NOW + 9000 } as const;
    const answered = await Promise.all([one, two].map((store) => store.approvals.answer(asked[0]?.id ?? '', answer, ['pending'])));
    expect(answered.filter(Boolean)).toHaveLength(1);
    const taken = await Promise.all(
      [one, two, two, one].map((store) => store.approvals.take({ binding, frame: 'none', server: 'v1', nowMs: NOW + 1 })),
    );
    expect(taken.filter((grant) => grant !== undefined)).toHaveLength(1);
  }
});
