import { callsOrScripts } from './calls.ts';
import { counted, type Problem, type Summariser } from './summary.ts';
import { trimmed } from './text.ts';

const DIAGNOSTIC = /^(?!\s)(\S[^:]*:\d+(?::\d+)?): (fatal error|error|warning): (.*?)(?: \[(-W[^\]]+)\])?$/;

/** Of the linker: who wants what, with the place where it is known. */
const UNDEFINED = /^(?:(\S+?\.\w+:\d+|\S+?):?(?:\(\.[^)]*\))?: )?(undefined reference to .*|multiple definition of .*|cannot find -l.*)$/;

/** The quoted line and the caret, and nothing of how the compiler got there. */
const isSource = (line: string): boolean => /^ *\d* \|/.test(line);

const MAX_SOURCE = 3;

interface Diagnostic {
  readonly isError: boolean;
  readonly problem: Problem & { readonly lines: string[] };
}

const diagnosticsOf = (lines: readonly string[]): Diagnostic[] => {
  const found: Diagnostic[] = [];
  let open: Diagnostic | undefined;
  for (const line of lines) {
    const diagnostic = DIAGNOSTIC.exec(line);
    const linker = diagnostic === null ? UNDEFINED.exec(line.replace(/^\S*\bld(?:\.\w+)?: /, '')) : null;
    if (diagnostic !== null) {
      const [, at, kind = '', text = '', name] = diagnostic;
      open = { isError: kind !== 'warning', problem: { name: name ?? kind, at, text: '', lines: [text] } };
      found.push(open);
    } else if (linker !== null) {
      found.push({ isError: true, problem: { name: 'linker', at: linker[1], text: '', lines: [linker[2] ?? ''] } });
      open = undefined;
    } else if (open !== undefined && isSource(line) && open.problem.lines.length < 1 + MAX_SOURCE) open.problem.lines.push(line);
    else if (!isSource(line)) open = undefined;
  }
  return found;
};

const toProblem = ({ problem: { lines, name, at } }: Diagnostic): Problem => ({ name, at, text: trimmed(lines) });

export const gcc: Summariser = {
  name: 'gcc',
  matches: callsOrScripts('gcc', 'g++', 'cc', 'c++', 'clang', 'clang++', 'ld', 'cmake'),
  summarise(ran) {
    const diagnostics = diagnosticsOf(ran.lines);
    const unique = [...new Map(diagnostics.map((one) => [`${one.problem.at} ${one.problem.lines[0]}`, one])).values()];
    const errors = unique.filter(({ isError }) => isError);
    const warnings = unique.filter(({ isError }) => !isError);
    if (unique.length === 0) return undefined;
    return {
      troubles: errors.length,
      counts: counted({ errors: errors.length, warnings: warnings.length }),
      problems: [...errors, ...warnings].map(toProblem),
    };
  },
};
