import { CorralError } from '../../ports/errors.ts';
import { importsPackages, isModule, javaClass, javaPackage, withRequire } from './source.ts';
import { findLanguage, LANGUAGE_NAMES, type Language } from './table.ts';

/** Largest code that is handed over as one argument; the kernel refuses 128 KiB. */
const INLINE_BYTES = 100 * 1024;

export interface CodePlan {
  readonly language: string;
  /** Absolute path inside and content of the one file to write; undefined when the code is handed over as an argument. */
  readonly file: { readonly path: string; readonly text: string } | undefined;
  /** Preparing and compiling steps, then the run, which is the last. */
  readonly steps: readonly (readonly string[])[];
  /** Index of the first step that compiles; equals `runStep` when nothing is compiled. */
  readonly compileStep: number;
  readonly runStep: number;
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
  const { language, dir, cwd, args } = input;
  const asModule = language.inline !== undefined && isModule(input.code);
  const code = asModule ? withRequire(input.code, cwd) : input.code;
  const isJava = language.name === 'java';
  const className = isJava ? javaClass(code) : 'Main';
  const packageName = isJava ? javaPackage(code) : undefined;
  const fileName = isJava
    ? `${className}.java`
    : language.inline !== undefined && !asModule
      ? language.file.replace('.mjs', '.cjs')
      : language.file;
  const values: Readonly<Record<string, string>> = {
    tool: input.tool,
    file: `${dir}/${fileName}`,
    dir,
    cwd,
    class: packageName === undefined ? className : `${packageName}.${className}`,
    code,
  };
  const fill = (word: string): string => word.replace(/\{(tool|file|dir|cwd|class|code)\}/g, (_, key: string) => values[key] ?? '');
  const env = Object.fromEntries(Object.entries(language.env ?? {}).map(([key, value]) => [key, fill(value)]));

  if (language.inline !== undefined && Buffer.byteLength(code) <= INLINE_BYTES && !code.includes('\0')) {
    const words = (asModule ? language.inline.module : language.inline.script).map(fill);
    return { language: language.name, file: undefined, steps: [[...words, ...args]], compileStep: 0, runStep: 0, env };
  }
  // Code in a scratch folder finds the packages of the working directory through a link.
  const links =
    ['javascript', 'typescript'].includes(language.name) && importsPackages(code)
      ? [['ln', '-s', `${cwd}/node_modules`, `${dir}/node_modules`]]
      : [];
  const compile = (language.compile ?? []).map((step) => step.map(fill));
  return {
    language: language.name,
    file: { path: values['file'] ?? '', text: code },
    steps: [...links, ...compile, [...language.run.map(fill), ...args]],
    compileStep: links.length,
    runStep: links.length + compile.length,
    env,
  };
};
