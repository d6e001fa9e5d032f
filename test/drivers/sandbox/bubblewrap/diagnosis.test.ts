import { describe, expect, test } from 'vitest';
import { explainBubblewrapFailure } from '../../../../src/drivers/sandbox/bubblewrap/diagnosis.ts';

const settings = (values: Readonly<Record<string, string>>) => async (name: string) => values[name];
const NO_PERMISSION =
  'bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.';
const UID_MAP = 'bwrap: setting up uid map: Permission denied';

describe('why bubblewrap failed', () => {
  test.each([
    [NO_PERMISSION, { 'kernel.unprivileged_userns_clone': '0' }, 'kernel.unprivileged_userns_clone=1'],
    [UID_MAP, { 'kernel.apparmor_restrict_unprivileged_userns': '1', 'user.max_user_namespaces': '31000' }, 'apparmor'],
    ['bwrap: Creating new namespace failed: No space left on device', { 'user.max_user_namespaces': '0' }, 'user.max_user_namespaces='],
    ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", {}, 'systempaths=unconfined'],
    ['bwrap: Unknown option --disable-userns', {}, '0.8'],
    ['the file system of a mount source does not take a map of owners: Invalid argument', {}, 'ordinary user'],
    [NO_PERMISSION, {}, 'In a container'],
  ])('%s', async (said, values, fix) => {
    const error = await explainBubblewrapFailure(said, settings(values as Record<string, string>));
    expect(error).toMatchObject({ code: 'unavailable', hint: expect.stringContaining(fix) });
  });

  test('is not guessed', async () => {
    expect(await explainBubblewrapFailure("bwrap: Can't find source path /x: No such file or directory", settings({}))).toBeUndefined();
  });
});
