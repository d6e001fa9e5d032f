import { isAbsolute } from 'node:path';
import { LANGUAGES } from '../../languages/table.ts';
import type { Language } from '../../languages/table.ts';
import type { ExecutionRunner } from '../execution-runner.ts';
import type { CheckResult } from '../report.ts';
import type { DoctorDeps } from '../deps.ts';

const VERSION_MS = 15_000;

/** The first of its programs that starts inside and says its version; undefined when none does. */
const versionOf = async (language: Language, runner: ExecutionRunner, signal?: AbortSignal): Promise<string | undefined> => {
  const find = 'for t in "$@"; do command -v "$t" && exit 0; done; exit 1';
  const { text: path } = await runner.run(['/bin/sh', '-c', find, 'sh', ...language.tools], VERSION_MS, signal);
  const tool = path.trim();
  if (!isAbsolute(tool)) return undefined;
  const { exit, text } = await runner.run(
    ['/bin/sh', '-c', 'exec "$@" 2>&1', 'sh', ...language.version.map((word) => word.replace('{tool}', tool))],
    VERSION_MS,
    signal,
  );
  if (exit.outcome.kind !== 'exited' || exit.outcome.code !== 0) return undefined;
  return `${language.name} ${/\d+\.\d+(?:\.\d+)?/.exec(text)?.[0] ?? '(no version)'}`;
};

/** Which languages really start in a sandbox. */
export const checkLanguages = async (deps: DoctorDeps, runner: ExecutionRunner, signal?: AbortSignal): Promise<CheckResult> => {
  const found = await Promise.all(LANGUAGES.map((language) => versionOf(language, runner, signal)));
  const works = found.filter((version) => version !== undefined);
  const missing = LANGUAGES.filter((_, index) => found[index] === undefined).map(({ name }) => name);
  const left = (deps.toolchains.skipped ?? []).map(({ path, why }) => `${path} (${why})`);
  const rest = [
    ...(missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
    ...(left.length > 0 ? [`on PATH, but left outside: ${left.join(', ')}`] : []),
  ];
  return {
    id: 'languages',
    title: 'Languages inside',
    status: works.length > 0 ? 'ok' : 'warn',
    found: [works.length > 0 ? works.join(', ') : 'none starts', ...rest].join('; '),
    fix: works.length > 0 ? undefined : 'Install one on the machine, such as python3.',
  };
};
