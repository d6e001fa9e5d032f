import { callsOrScripts } from './calls.ts';
import { counted, type Problem, type Summariser } from './summary.ts';
import { lastMatch, trimmed } from './text.ts';

const HEADER = /^(error|warning)(?:\[(\w+)\])?: (.*)$/;

/** What closes a run and is no diagnostic of its own. */
const CLOSING =
  /^(?:error: (?:could not compile|aborting due to|test failed|doctest failed|\d+ targets? failed|build failed)|warning: (?:`.*` \(.*\) generated|\d+ warnings? emitted|build failed|unused manifest key))/;

const diagnosticsOf = (lines: readonly string[]): { readonly kind: string; readonly problem: Problem }[] => {
  const found: { kind: string; name: string | undefined; at?: string | undefined; lines: string[] }[] = [];
  let open: (typeof found)[number] | undefined;
  for (const line of lines) {
    const header = HEADER.exec(line);
    if (header !== null) {
      open = CLOSING.test(line) ? undefined : { kind: header[1] ?? '', name: header[2], lines: [header[3] ?? ''] };
      if (open !== undefined) found.push(open);
    } else if (open !== undefined && /^ +--> (.+)$/.test(line)) open.at ??= line.replace(/^ +--> /, '');
    else if (line.trim() === '' || /^(?: {3,}[A-Z][a-z]+ |For more information|Some errors have)/.test(line)) open = undefined;
    else open?.lines.push(line);
  }
  return found.map(({ kind, name, at, lines: body }) => ({ kind, problem: { name: name ?? kind, at, text: trimmed(body) } }));
};

export const rustc: Summariser = {
  name: 'rustc',
  matches: callsOrScripts('cargo', 'rustc', 'clippy-driver', 'trunk', 'maturin'),
  summarise(ran) {
    const closing =
      lastMatch(ran.lines, /^(?:error: (?:could not compile|aborting due to)|warning: \d+ warnings? emitted| {4}Finished )/) ??
      lastMatch(ran.lines, /^error: /, 20);
    if (closing === undefined) return undefined;
    const diagnostics = diagnosticsOf(ran.lines);
    // With several targets the same is said for each of them.
    const unique = [...new Map(diagnostics.map((one) => [`${one.kind} ${one.problem.at} ${one.problem.text}`, one])).values()];
    const errors = unique.filter(({ kind }) => kind === 'error');
    const warnings = unique.filter(({ kind }) => kind === 'warning');
    const compiled = ran.lines.filter((line) => line.startsWith('   Compiling ')).length;
    return {
      troubles: errors.length,
      counts: counted({ errors: errors.length, warnings: warnings.length, compiled }),
      problems: [...errors, ...warnings].map(({ problem }) => problem),
    };
  },
};
