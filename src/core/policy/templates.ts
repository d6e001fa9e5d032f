import { CorralError } from '../../ports/errors.ts';
import type { Containment } from './containment.ts';
import { literalArg } from './programs/program.ts';
import { WRAPPERS } from './programs/wrappers.ts';
import { printable } from './text.ts';
import { compilePattern } from './templates/pattern.ts';
import { templateSchema, type Parameter, type TemplateSpec } from './templates/schema.ts';
import { renderValue } from './templates/values.ts';
import { placesOf, readTemplateWord, type TemplateWord } from './templates/words.ts';

export interface Template {
  readonly name: string;
  readonly spec: TemplateSpec;
  /** The argv for these values, or which parameter is wrong and why. Paths are looked up now: call it when the command is about to run. */
  render(
    values: unknown,
    containment: Containment,
    cwd: string,
  ): { readonly argv: readonly string[] } | { readonly reason: string; readonly parameter?: string };
}

const HINT = 'The forms of a template are in docs/guide/templates.md.';

/** What follows one of these is code: `sh -c`, `python3 -c`, `node -e`, `psql --command`. */
const CODE_OPTION = /^-[A-Za-z]*[ceEpr]$|^--(?:eval|exec|execute|print|command|run|expression|init-command)$/;
const CODE_ATTACHED = /^(?:-[cer]|--(?:eval|exec|execute|print|command|run|init-command)=)./;
const INTERPRETERS =
  /^(?:(?:ba|da|z|k|mk|a|c|tc|fi|pwsh|busybo)?sh|busybox|python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|node(?:js)?|deno|bun|php[0-9.]*|lua[0-9.]*|tclsh[0-9.]*|osascript|psql|mysql|sqlite3|ssh|su|eval|watch|script|expect|Rscript|pwsh|powershell)$/;

const nameOf = (word: string): string => word.slice(word.lastIndexOf('/') + 1);

/** Index of the word that names the program which really runs, behind wrappers. */
const commandAt = (argv: readonly string[], fail: (message: string) => never): number => {
  let at = 0;
  for (;;) {
    const wrapper = WRAPPERS.get(nameOf(argv[at] ?? ''));
    if (wrapper?.kind !== 'wrapper') return at;
    const found = wrapper.unwrap(argv.slice(at + 1).map(literalArg), { outside: () => undefined, contain: () => undefined });
    if ('reason' in found) return fail(found.reason);
    if (found.start === undefined) return at;
    at += 1 + found.start;
  }
};

const checkPlaces = (words: readonly TemplateWord[], params: TemplateSpec['params'], fail: (message: string) => never): void => {
  const seen = new Set<string>();
  for (const word of words)
    for (const place of placesOf(word)) {
      const parameter = Object.hasOwn(params, place) ? params[place] : undefined;
      if (parameter === undefined) fail(`{${place}} has no parameter; write {{${place}}} when the braces are meant`);
      if (seen.has(place)) fail(`{${place}} stands twice`);
      if ((parameter?.type === 'list' || parameter?.type === 'flag') && word.length > 1)
        fail(`{${place}} is several arguments or none, so it has to be a word of its own`);
      seen.add(place);
    }
  const unused = Object.keys(params).find((name) => !seen.has(name));
  if (unused !== undefined) fail(`the parameter ${unused} is not used`);
};

const checkPosition = (argv: readonly string[], words: readonly TemplateWord[], fail: (message: string) => never): void => {
  const program = commandAt(argv, fail);
  for (let index = 0; index <= program; index += 1)
    if (placesOf(words[index] ?? []).length > 0 && (index === 0 || index === program))
      fail(`{${placesOf(words[index] ?? [])[0] ?? ''}} stands where the program is named`);
  if (!INTERPRETERS.test(nameOf(argv[program] ?? ''))) return;
  for (let index = program + 1; index < words.length; index += 1) {
    const [place] = placesOf(words[index] ?? []);
    if (
      place !== undefined &&
      (CODE_OPTION.test(argv[index - 1] ?? '') ||
        CODE_ATTACHED.test(argv[index] ?? '') ||
        nameOf(argv[program] ?? '') === 'ssh' ||
        nameOf(argv[program] ?? '') === 'eval')
    )
      fail(`{${place}} stands in code that ${argv[program] ?? ''} runs: pass it as an argument behind the code instead`);
  }
};

const checkParameter = (name: string, parameter: Parameter, fail: (message: string) => never): void => {
  const inner = parameter.type === 'list' ? parameter.items : parameter;
  if (inner.type === 'string' && inner.pattern !== undefined) {
    const compiled = compilePattern(inner.pattern);
    if (typeof compiled === 'string') fail(`the pattern of ${name} is refused: ${compiled}`);
  }
  if ('minLength' in inner && inner.minLength !== undefined && inner.maxLength !== undefined && inner.minLength > inner.maxLength)
    fail(`${name}: minLength is above maxLength`);
  if (inner.type === 'integer' && inner.min !== undefined && inner.max !== undefined && inner.min > inner.max)
    fail(`${name}: min is above max`);
  if (inner.type === 'enum' && inner.default !== undefined && !inner.values.includes(inner.default))
    fail(`${name}: the default is none of its values`);
  if (parameter.type === 'list' && parameter.minItems > parameter.maxItems) fail(`${name}: minItems is above maxItems`);
};

/** Reads a template, or throws CorralError with what is wrong with it. */
export const loadTemplate = (name: string, raw: unknown): Template => {
  const fail = (message: string): never => {
    throw new CorralError('invalid_input', `template ${name}: ${printable(message)}`, { hint: HINT });
  };
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$/.test(name)) fail('a name is letters, digits, dash and underscore');
  const parsed = templateSchema.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return fail(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const spec = parsed.data;
  for (const word of spec.argv) if (word.includes('\0')) fail('an argument holds NUL');
  const words = spec.argv.map(readTemplateWord);
  if ((spec.argv[0] ?? '') === '') fail('the name of the program is empty');
  for (const [key, parameter] of Object.entries(spec.params)) checkParameter(key, parameter, fail);
  checkPosition(spec.argv, words, fail);
  checkPlaces(words, spec.params, fail);
  return { name, spec, render: (values, containment, cwd) => render(spec, words, values, containment, cwd) };
};

const render = (
  spec: TemplateSpec,
  words: readonly TemplateWord[],
  values: unknown,
  containment: Containment,
  cwd: string,
): ReturnType<Template['render']> => {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return { reason: 'the values are no map' };
  const given = new Map<string, unknown>(Object.entries(values));
  for (const name of given.keys())
    if (!Object.hasOwn(spec.params, name)) return { reason: `${printable(name)} is no parameter`, parameter: name };
  const argv: string[] = [];
  let behindDashes = false;
  for (const word of words) {
    let text = '';
    let several: readonly string[] | undefined;
    for (const part of word) {
      if ('text' in part) {
        text += part.text;
        continue;
      }
      const parameter = spec.params[part.place];
      if (parameter === undefined) return { reason: `{${part.place}} has no parameter`, parameter: part.place };
      const value =
        given.get(part.place) ??
        ('default' in parameter ? parameter.default : undefined) ??
        (parameter.type === 'flag' ? false : undefined);
      if (value === undefined || value === null) return { reason: `${part.place} is missing`, parameter: part.place };
      const rendered = renderValue(parameter, value, containment, cwd);
      if ('reason' in rendered) return { reason: `${part.place} ${rendered.reason}`, parameter: part.place };
      const dash = text === '' && !behindDashes && mayInject(parameter) ? rendered.words.find((found) => found.startsWith('-')) : undefined;
      if (dash !== undefined) return { reason: `${part.place} begins with a dash, so it would be an option`, parameter: part.place };
      if (parameter.type === 'list' || parameter.type === 'flag') several = rendered.words;
      else text += rendered.words[0] ?? '';
    }
    argv.push(...(several ?? [text]));
    if (word.length === 1 && text === '--') behindDashes = true;
  }
  return { argv };
};

/** Whoever wrote the template wrote the values of an enum, a flag, and the bounds of a number. */
const mayInject = (parameter: Parameter): boolean => {
  const inner = parameter.type === 'list' ? parameter.items : parameter;
  return inner.type === 'string' || inner.type === 'regex' || inner.type === 'path' || inner.type === 'relpath';
};
