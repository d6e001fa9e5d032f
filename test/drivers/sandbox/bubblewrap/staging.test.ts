import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { planStaging } from '../../../../src/drivers/sandbox/bubblewrap/staging.ts';
import { STAGE_FLAG } from '../../../../src/drivers/sandbox/supervisor/protocol.ts';
import { aSpec } from '../../../support/sandboxes.ts';

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'corral-stage-'));
  onTestFinished(() => rmSync(top, { recursive: true, force: true }));
  chmodSync(top, 0o755);
  for (const [name, mode] of [
    ['open', 0o755],
    ['closed', 0o700],
    ['work', 0o755],
  ] as const)
    mkdirSync(join(top, name), { mode });
  writeFileSync(join(top, 'open', 'program'), '', { mode: 0o755 });
  writeFileSync(join(top, 'closed', 'program'), '', { mode: 0o755 });
});

const plan = (mounts: readonly string[], program = join(top, 'open', 'program')) =>
  planStaging(
    aSpec(
      { path: top, workspace: join(top, 'work') },
      { mounts: mounts.map((source) => ({ source, target: source, mode: 'ro' as const })) },
    ),
    program,
  );

describe('staging for a private uid', () => {
  test('clones workspaces with their owner mapped, and uses where it is what anybody may read', async () => {
    const { staged, readableSources, folder } = await plan([join(top, 'open')]);
    expect(staged).toEqual([{ source: join(top, 'work'), name: 's0', flags: STAGE_FLAG.mapOwner }]);
    expect(readableSources(join(top, 'work'))).toBe(join(folder, 's0'));
    expect(readableSources(join(top, 'open'))).toBe(join(top, 'open'));
    expect(readableSources('/usr')).toBe('/usr');
  });

  test('clones, read-only, what lies behind a closed folder', async () => {
    mkdirSync(join(top, 'closed', 'tools'), { mode: 0o755 });
    const { staged } = await plan([join(top, 'closed', 'tools')], join(top, 'closed', 'program'));
    const flags = STAGE_FLAG.mapOwner | STAGE_FLAG.readOnly;
    expect(staged.slice(1)).toEqual([
      { source: join(top, 'closed', 'tools'), name: 's1', flags },
      { source: join(top, 'closed', 'program'), name: 's2', flags },
    ]);
  });

  test('leaves out mounts that are not there', async () => {
    expect((await plan([join(top, 'nothing')])).staged).toHaveLength(1);
  });

  test('uses a folder that hides nothing that is needed', async () => {
    expect((await plan([])).folder).toBe('/mnt');
    expect((await plan(['/mnt/tools'])).folder).not.toBe('/mnt');
  });
});
