import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/core/config/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'corral-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const base = { flags: {}, env: { XDG_CONFIG_HOME: folder, XDG_STATE_HOME: '/state' }, cwd: '/here' };

describe('loadConfig', () => {
  it('takes flags before the environment before the file before defaults, and says so', async () => {
    const file = write('a.yaml', 'waitSeconds: 1\ngraceSeconds: 3\nprocesses: 99\n');
    const { config, sources } = await loadConfig({
      ...base,
      file,
      env: { ...base.env, CORRAL_WAIT_SECONDS: '2', CORRAL_GRACE_SECONDS: '4' },
      flags: { waitSeconds: '5' },
    });
    expect(config).toMatchObject({ waitSeconds: 5, graceSeconds: 4, processes: 99, openFiles: 4096 });
    expect(sources).toMatchObject({ waitSeconds: 'flag', graceSeconds: 'environment', processes: 'file', openFiles: 'default' });
  });
  it('puts the state below XDG_STATE_HOME and workspaces below the current folder', async () => {
    const { config } = await loadConfig({ ...base, flags: { workspaces: ['a', '/b'] } });
    expect(config.stateDir).toBe('/state/corral');
    expect(config.workspaces).toEqual(['/here/a', '/b']);
  });
  it('keeps a token of digits a text', async () => {
    const { config } = await loadConfig({ ...base, env: { ...base.env, CORRAL_AUTH_TOKEN: '1234567890123456' } });
    expect(config.authToken).toBe('1234567890123456');
  });
  it('reads booleans and lists from the environment', async () => {
    const { config } = await loadConfig({ ...base, env: { ...base.env, CORRAL_KEEP: 'yes', CORRAL_ALLOWED_HOSTS: 'a.test, b.test' } });
    expect(config.keep).toBe(true);
    expect(config.allowedHosts).toEqual(['a.test', 'b.test']);
  });
  it.each([
    ['an unknown key', 'wait: 3', /Unrecognized key.*wait/],
    ['a wrong type', 'processes: many', /processes \(from file\)/],
    ['text that is no YAML', 'a: [', /is not YAML/],
    ['a list', '- a', /must hold a map/],
  ])('refuses a file with %s', async (_, text, message) => {
    await expect(loadConfig({ ...base, file: write('bad.yaml', text) })).rejects.toThrow(message);
  });
  it('refuses a file that was named and is missing, not one that was not', async () => {
    await expect(loadConfig({ ...base, file: join(folder, 'none.yaml') })).rejects.toThrow(/cannot be read/);
    await expect(loadConfig(base)).resolves.toMatchObject({ file: undefined });
  });
  it('names the flag that is wrong', async () => {
    await expect(loadConfig({ ...base, flags: { driver: 'chroot' } })).rejects.toThrow(/driver \(from flag\)/);
  });
});
