import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const SOURCES = join(ROOT, 'supervisor');
const OUT = join(ROOT, 'build', 'test-supervisor');

const newestSource = (): number =>
  Math.max(
    ...readdirSync(SOURCES)
      .filter((name) => /\.(c|h|sh)$/.test(name))
      .map((name) => statSync(join(SOURCES, name)).mtimeMs),
  );

/** Path of the supervisor, built from the sources as they are now. Workers that build at once each do so aside and the last one wins. */
export const supervisorPath = (): string => {
  if (existsSync(OUT) && statSync(OUT).mtimeMs > newestSource()) return OUT;
  mkdirSync(dirname(OUT), { recursive: true });
  const aside = `${OUT}.${process.pid}`;
  execFileSync('sh', [join(SOURCES, 'build.sh'), aside], { cwd: ROOT, stdio: 'pipe', timeout: 120_000 });
  renameSync(aside, OUT);
  return OUT;
};
