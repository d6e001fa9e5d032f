import { expect, test } from 'vitest';
import { openHouse } from '../../support/house.ts';

test('no more sandboxes than configured, also when all are asked for at once', async () => {
  await using house = await openHouse({ config: { maxSandboxes: 3 } });
  const made = await Promise.allSettled(Array.from({ length: 8 }, () => house.sandboxes.create({})));
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  const [refused] = made.filter((one) => one.status === 'rejected');
  expect(refused?.reason).toMatchObject({ code: 'limit_exceeded' });
  await house.sandboxes.end((await house.sandboxes.records())[0]?.id ?? '', 0, 'test');
  await expect(house.sandboxes.create({})).resolves.toBeDefined();
});

test('a sandbox that was being made when the server closed is ended', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const ends: string[] = [];
  await using house = await openHouse({
    change: (sandbox) => ({ ...sandbox, end: async (graceMs) => (ends.push(sandbox.id), sandbox.end(graceMs)) }),
    store: (store) => ({ ...store, insertSandbox: async (record, range) => (await held, store.insertSandbox(record, range)) }),
  });
  const making = house.sandboxes.create({});
  const refused = expect(making).rejects.toMatchObject({ code: 'unavailable' });
  await new Promise((resolve) => setTimeout(resolve, 10));
  const closing = house.sandboxes.close();
  release();
  await Promise.all([refused, closing]);
  expect(ends).toHaveLength(1);
  expect(await house.store.sandboxes({ living: true })).toEqual([]);
});

test('a sandbox that could not be reached is left to the next look for dead servers', async () => {
  let reachable = false;
  await using owner = await openHouse({ dead: true });
  const { record } = await owner.sandboxes.create({});
  await using heir = await openHouse({
    beside: owner,
    change: (sandbox) => ({ ...sandbox, renew: (leaseMs) => (reachable ? sandbox.renew(leaseMs) : Promise.reject(new Error('not now'))) }),
  });
  expect(await heir.sandboxes.adopt()).toEqual({ alive: 0, gone: 0 });
  reachable = true;
  expect(await heir.sandboxes.adopt()).toEqual({ alive: 1, gone: 0 });
  expect(await heir.store.sandbox(record.id)).toMatchObject({ owner: heir.serverId, state: 'running' });
});

test('a sandbox of a server that came while dead ones were looked for is not taken', async () => {
  let come = async (): Promise<void> => undefined;
  await using house = await openHouse({
    store: (store) => ({
      ...store,
      servers: async () => {
        const found = await store.servers();
        await come();
        return found;
      },
    }),
  });
  let made: string | undefined;
  come = async () => {
    come = async () => undefined;
    const newcomer = await openHouse({ beside: house });
    made = (await newcomer.sandboxes.create({})).record.id;
  };
  await house.sandboxes.adopt();
  expect((await house.store.sandbox(made ?? ''))?.owner).not.toBe(house.serverId);
});

test('a sandbox that could not be recorded is ended, not forgotten', async () => {
  const ends: string[] = [];
  let full = true;
  await using house = await openHouse({
    change: (sandbox) => ({ ...sandbox, end: async (graceMs) => (ends.push(sandbox.id), sandbox.end(graceMs)) }),
    store: (store) => ({
      ...store,
      updateSandbox: (id, change, owner) =>
        full && change.state === 'running' ? Promise.reject(new Error('The disk is full.')) : store.updateSandbox(id, change, owner),
    }),
  });
  await expect(house.sandboxes.create({})).rejects.toThrow('The disk is full.');
  expect(ends).toHaveLength(1);
  full = false;
});

test('one caller who gives up does not take a sandbox from the others who ask for it', async () => {
  await using owner = await openHouse();
  const { record } = await owner.sandboxes.create({});
  await using asker = await openHouse({ beside: owner });
  const impatient = new AbortController();
  const [first, second] = [asker.sandboxes.get(record.id, impatient.signal), asker.sandboxes.get(record.id)];
  impatient.abort();
  await Promise.allSettled([first]);
  await expect(second).resolves.toMatchObject({ record: { id: record.id } });
});
