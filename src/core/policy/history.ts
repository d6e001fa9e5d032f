import type { ExecutionRecord } from '../../ports/store.ts';
import type { HistoryEntry } from './replay.ts';

const SHELL = /\/(?:ba|da)?sh$/;
/** Titles are cut; a longer text is known by its step. */
const TITLE = 500;

const stepsOf = (json: string): readonly (readonly string[])[] | undefined => {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) && value.every((step) => Array.isArray(step) && step.every((word) => typeof word === 'string'))
      ? (value as readonly (readonly string[])[])
      : undefined;
  } catch {
    return undefined;
  }
};

const askedOf = (json: string): string | readonly string[] | undefined => {
  try {
    const { asked } = JSON.parse(json) as { readonly asked?: unknown };
    return typeof asked === 'string' || (Array.isArray(asked) && asked.every((word) => typeof word === 'string')) ? asked : undefined;
  } catch {
    return undefined;
  }
};

/**
 * What a recorded execution was asked for. Shell text is recorded as the shell that read it: it is known by the title, which is the text itself. Undefined for
 * a record that no longer tells.
 */
export const requestOfRecord = ({ id, steps, title, cwd, caller, meta }: ExecutionRecord): HistoryEntry | undefined => {
  // Under rules the steps are what was made of the command; the record keeps what was asked for.
  const asked = askedOf(meta);
  if (asked !== undefined) return { id, request: { caller, cwd, ...(typeof asked === 'string' ? { shell: asked } : { argv: asked }) } };
  const read = stepsOf(steps);
  const [first] = read ?? [];
  if (read === undefined || first === undefined) return undefined;
  const [program = '', option, text = ''] = first;
  const common = { caller, cwd };
  if (read.length === 1 && first.length === 3 && option === '-c' && SHELL.test(program) && text.slice(0, TITLE) === title)
    return { id, request: { ...common, shell: text } };
  if (read.length === 1 && first.join(' ').slice(0, TITLE) === title) return { id, request: { ...common, argv: first } };
  return { id, request: { ...common, operation: 'code.execute', effect: 'execute' } };
};
