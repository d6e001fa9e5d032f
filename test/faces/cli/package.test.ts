import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlace, type Place } from './support/program.ts';

let place: Place;
beforeAll(async () => {
  place = await openPlace();
}, 120_000);
afterAll(() => place[Symbol.dispose]());

/** A folder with programs of these names and texts, to be put in front of PATH. */
const fakes = (programs: Readonly<Record<string, string>>): { readonly PATH: string; readonly folder: string } => {
  const folder = mkdtempSync(join(place.project, 'bin-'));
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return { PATH: `${folder}:${process.env['PATH'] ?? ''}`, folder };
};

const PIP =
  'case "$1" in show) [ "$5" = there ];; install) shift 4; echo "got $*"; [ "$1" != bad ] || { echo broken >&2; exit 3; };; list) echo \'[{"name":"x","version":"1"}]\';; esac';

describe('corral package', () => {
  it('installs what is missing with the manager that the names tell', async () => {
    const env = fakes({ pip: PIP });
    expect(await place.run(['package', 'install', '--driver', 'host', 'pyone', 'twopy'], { env: { PATH: env.PATH } })).toMatchObject({
      code: 0,
      stdout: 'got pyone twopy\n',
    });
  });

  it('leaves out what is there', async () => {
    const env = fakes({ pip: PIP });
    const args = ['package', 'install', '--driver', 'host', '--manager', 'python'];
    expect(await place.run([...args, 'there', 'new'], { env: { PATH: env.PATH } })).toMatchObject({
      code: 0,
      stdout: 'there is already installed\ngot new\n',
    });
    const { stdout } = await place.run([...args, '--json', 'there'], { env: { PATH: env.PATH } });
    expect(JSON.parse(stdout)).toEqual({ manager: 'pip', already_installed: ['there'] });
  });

  it('ends as the manager does, with what it said', async () => {
    const env = fakes({ pip: PIP });
    expect(await place.run(['package', 'install', '--driver', 'host', '-m', 'pip', 'bad'], { env: { PATH: env.PATH } })).toMatchObject({
      code: 3,
      stdout: 'got bad\n',
      stderr: expect.stringContaining('broken\n') as string,
    });
  });

  it('starts nothing for a name that is an option', async () => {
    const env = fakes({ pip: 'echo run >>"$(dirname "$0")/ran"' });
    const { code, stderr } = await place.run(
      ['package', 'install', '--driver', 'host', '-m', 'pip', '--', '--index-url=http://127.0.0.1:9'],
      {
        env: { PATH: env.PATH },
      },
    );
    expect(code).toBe(2);
    expect(stderr).toContain('is not how pip names a package');
    expect(existsSync(join(env.folder, 'ran'))).toBe(false);
  });

  it('wants to know where: a sandbox of its own would be gone with it', async () => {
    const { code, stderr } = await place.run(['package', 'install', 'pyone']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/not said in which sandbox.*\nhint: .*--sandbox/);
  });

  it('lists', async () => {
    const env = fakes({ pip: PIP });
    const { code, stdout } = await place.run(['package', 'list', '--driver', 'host', '--json', 'pip'], { env: { PATH: env.PATH } });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ manager: 'pip', packages: [{ name: 'x', version: '1' }] });
  });

  it('tells rules what it is about', async () => {
    const env = fakes({ pip: PIP });
    const rules = join(place.project, 'rules.json');
    writeFileSync(
      rules,
      JSON.stringify({
        version: 1,
        default: 'deny',
        rules: [{ id: 'good', effect: 'allow', match: { operation: ['package.install'], packages: ['pip:good'] } }],
      }),
    );
    const run = async (name: string) =>
      place.run(['package', 'install', '--driver', 'host', '--rules', rules, '-m', 'pip', name], { env: { PATH: env.PATH } });
    expect(await run('good==1')).toMatchObject({ code: 0, stdout: 'got good==1\n' });
    expect((await run('worse')).stderr).toMatch(/install_packages: .*\(rule default\)/);
  });
});

const realPip = (): { readonly folder: string; readonly python: string } | undefined => {
  try {
    const python = execFileSync('python3', ['-c', 'import sys, pip; print(sys.executable)'], { encoding: 'utf8', timeout: 20_000 }).trim();
    return existsSync(join(dirname(python), 'pip')) ? { folder: dirname(python), python } : undefined;
  } catch {
    return undefined;
  }
};

const WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + '/corral_tried-1.0-py3-none-any.whl', 'w') as z:
    z.writestr('corral_tried.py', 'ANSWER = 42\\n')
    z.writestr('corral_tried-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: corral-tried\\nVersion: 1.0\\n')
    z.writestr('corral_tried-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    z.writestr('corral_tried-1.0.dist-info/RECORD', 'corral_tried.py,,\\ncorral_tried-1.0.dist-info/METADATA,,\\ncorral_tried-1.0.dist-info/WHEEL,,\\ncorral_tried-1.0.dist-info/RECORD,,\\n')
`;

describe('a real pip and a real package, without a network', () => {
  it('installs it, says that it is there, and lists it', { timeout: 60_000 }, async (context) => {
    const pip = realPip();
    if (pip === undefined) return context.skip('no python3 with a pip beside it');
    const home = mkdtempSync(join(place.project, 'home-'));
    execFileSync(pip.python, ['-c', WHEEL, home]);
    mkdirSync(join(home, '.config/pip'), { recursive: true });
    writeFileSync(
      join(home, '.config/pip/pip.conf'),
      `[global]\nno-index = true\nfind-links = ${home}\nbreak-system-packages = true\n[install]\nuser = true\n`,
    );
    const env = { HOME: home, PATH: `${pip.folder}:${process.env['PATH'] ?? ''}` };
    const install = ['package', 'install', '--driver', 'host', '--manager', 'pip', 'corral-tried'];
    const first = await place.run(install, { env });
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toContain('Successfully installed corral-tried-1.0');
    expect(readFileSync(execFileSync('find', [home, '-name', 'corral_tried.py'], { encoding: 'utf8' }).trim(), 'utf8')).toContain('42');
    expect(await place.run(install, { env })).toMatchObject({ code: 0, stdout: 'corral-tried is already installed\n' });
    const { stdout } = await place.run(['package', 'list', '--driver', 'host', '--json', 'pip'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ packages: expect.arrayContaining([{ name: 'corral-tried', version: '1.0' }]) as unknown });
  });
});
