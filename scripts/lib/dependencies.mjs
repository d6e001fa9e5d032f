import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run, say } from './process.mjs';

/**
 * Does node_modules hold what the lock asks for? Compares contents, not dates: npm keeps a record of what it installed. Optional packages
 * may be absent (they belong to other platforms).
 * @param {Record<string, any>} lock package-lock.json
 * @param {Record<string, any> | undefined} installed node_modules/.package-lock.json
 */
export const isInstalled = (lock, installed) => {
  if (installed?.packages === undefined) return false;
  const wanted = lock.packages ?? {};
  for (const [path, entry] of Object.entries(installed.packages)) {
    const want = wanted[path];
    if (want === undefined || want.version !== entry.version || want.integrity !== entry.integrity) return false;
  }
  return Object.entries(wanted).every(([path, entry]) => path === '' || entry.optional === true || path in installed.packages);
};

/** Installs exactly what the lock says, when it is not there already. Throws when npm fails. */
export const ensureDependencies = async (root = ROOT) => {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
  const installed = await readFile(join(root, 'node_modules/.package-lock.json'), 'utf8').then(
    JSON.parse,
    () => undefined, // absent: nothing was installed yet
  );
  if (isInstalled(lock, installed)) return;
  say(`${installed === undefined ? 'dependencies are not installed' : 'node_modules does not match the lock'}: npm ci`);
  const code = await run(['npm', 'ci', '--no-audit', '--no-fund'], { cwd: root });
  if (code !== 0) throw new Error(`npm ci ended with ${code}`);
};
