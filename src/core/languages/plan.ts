import { CorralError } from '../../ports/errors.ts';
import { findLanguage, LANGUAGE_NAMES, type Language } from './table.ts';
import { javaClass, javaPackage, sourceFor } from './source.ts';

export interface CodePlan {
  readonly language: string;
  /** Absolute path inside and content of the one file to write. */
  readonly file: { readonly path: string; readonly text: string };
  /** Links to make in the scratch folder: name -> target. */
  readonly links: Readonly<Record<string, string>>;
  /** Compile steps, then the run. */
  readonly steps: readonly (readonly string[])[];
  readonly env: Readonly<Record<string, string>>;
}

export const languageOrThrow = (name: string): Language => {
  const language = findLanguage(name);
  if (language === undefined)
    throw new CorralError('invalid_input', `language: "${name}" is not one of ${LANGUAGE_NAMES.join(', ')}.`, {
      hint: 'describe_environment lists the languages that work here.',
    });
  return language;
};

/** What to write and what to start, for code in a language with the tool that was found for it. Pure. */
export const planCode = (input: {
  readonly language: Language;
  readonly tool: string;
  readonly code: string;
  readonly args: readonly string[];
  /** Scratch folder of this execution. */
  readonly dir: string;
  readonly cwd: string;
}): CodePlan => {
  const { language, code, dir, cwd } = input;
  const source = sourceFor(language.name, code, cwd);
  const className = language.name === 'java' ? javaClass(code) : 'Main';
  const fileName = language.name === 'java' ? `${className}.java` : (source.file ?? language.file);
  const path = `${dir}/${fileName}`;
  const packageName = language.name === 'java' ? javaPackage(code) : undefined;
  const values: Readonly<Record<string, string>> = {
    tool: input.tool,
    file: path,
    dir,
    cwd,
    class: packageName === undefined ? className : `${packageName}.${className}`,
  };
  const fill = (word: string): string => word.replace(/\{(tool|file|dir|cwd|class)\}/g, (_, key: string) => values[key] ?? '');
  const run = language.run.map(fill);
  return {
    language: language.name,
    file: { path, text: source.text },
    links: language.name === 'javascript' || language.name === 'typescript' ? { node_modules: `${cwd}/node_modules` } : {},
    steps: [...(language.compile ?? []).map((step) => step.map(fill)), [...run, ...input.args]],
    env: Object.fromEntries(Object.entries(language.env ?? {}).map(([key, value]) => [key, fill(value)])),
  };
};
