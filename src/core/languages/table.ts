/** A language is data: how its code is named, compiled and run, and how to see that its tools are there. */
export interface Language {
  readonly name: string;
  readonly aliases: readonly string[];
  /** Name of the file that holds the code, in a scratch folder of its own. */
  readonly file: string;
  /** Programs of which one must be present, best first; `{tool}` below stands for the one found. */
  readonly tools: readonly string[];
  /** Also needed. */
  readonly needs?: readonly string[];
  /** Prints the version of `{tool}`. */
  readonly version: readonly string[];
  /** Steps before the run; words as in `run`. */
  readonly compile?: readonly (readonly string[])[];
  /** `{file}` the code, `{dir}` its folder, `{cwd}` the working directory, `{tool}` the program. Arguments of the caller follow. */
  readonly run: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Preferred while the code fits into an argument: `{code}` is handed over, so imports resolve from the working directory. */
  readonly inline?: { readonly module: readonly string[]; readonly script: readonly string[] };
}

export const LANGUAGES: readonly Language[] = [
  {
    name: 'bash',
    aliases: ['sh', 'shell'],
    file: 'main.sh',
    tools: ['bash', 'sh'],
    version: ['{tool}', '--version'],
    run: ['{tool}', '{file}'],
  },
  {
    name: 'python',
    aliases: ['py', 'python3'],
    file: 'main.py',
    tools: ['python3', 'python'],
    version: ['{tool}', '--version'],
    run: ['{tool}', '{file}'],
    // The script lies in a scratch folder; modules beside the working directory must still be found.
    env: { PYTHONPATH: '{cwd}' },
  },
  {
    name: 'javascript',
    aliases: ['js', 'node', 'nodejs'],
    file: 'main.mjs',
    tools: ['node'],
    version: ['{tool}', '--version'],
    run: ['{tool}', '{file}'],
    inline: { module: ['{tool}', '--input-type=module', '-e', '{code}', '--'], script: ['{tool}', '-e', '{code}', '--'] },
  },
  {
    name: 'typescript',
    aliases: ['ts'],
    file: 'main.ts',
    tools: ['esbuild'],
    needs: ['node'],
    version: ['{tool}', '--version'],
    compile: [
      ['{tool}', '{file}', '--log-level=warning', '--format=esm', '--target=node20', '--sourcemap=inline', '--outfile={dir}/main.mjs'],
    ],
    run: ['node', '--enable-source-maps', '{dir}/main.mjs'],
  },
  {
    name: 'rust',
    aliases: ['rs'],
    file: 'main.rs',
    tools: ['rustc'],
    version: ['{tool}', '--version'],
    compile: [['{tool}', '--edition', '2021', '-O', '-o', '{dir}/main', '{file}']],
    run: ['{dir}/main'],
  },
  {
    name: 'go',
    aliases: ['golang'],
    file: 'main.go',
    tools: ['go'],
    version: ['{tool}', 'version'],
    compile: [['{tool}', 'build', '-o', '{dir}/main', '{file}']],
    run: ['{dir}/main'],
  },
  {
    name: 'c',
    aliases: [],
    file: 'main.c',
    tools: ['cc', 'gcc', 'clang'],
    version: ['{tool}', '--version'],
    compile: [['{tool}', '-O2', '-o', '{dir}/main', '{file}', '-lm']],
    run: ['{dir}/main'],
  },
  {
    name: 'cpp',
    aliases: ['c++', 'cxx', 'cc'],
    file: 'main.cpp',
    tools: ['c++', 'g++', 'clang++'],
    version: ['{tool}', '--version'],
    compile: [['{tool}', '-O2', '-std=c++17', '-o', '{dir}/main', '{file}']],
    run: ['{dir}/main'],
  },
  {
    name: 'java',
    aliases: [],
    file: 'Main.java',
    tools: ['javac'],
    needs: ['java'],
    version: ['{tool}', '--version'],
    compile: [['{tool}', '-d', '{dir}', '{file}']],
    run: ['java', '-cp', '{dir}', '{class}'],
  },
  {
    name: 'ruby',
    aliases: ['rb'],
    file: 'main.rb',
    tools: ['ruby'],
    version: ['{tool}', '--version'],
    run: ['{tool}', '-I', '{cwd}', '{file}'],
  },
  {
    name: 'perl',
    aliases: ['pl'],
    file: 'main.pl',
    tools: ['perl'],
    version: ['{tool}', '--version'],
    run: ['{tool}', '-I', '{cwd}', '{file}'],
  },
  { name: 'php', aliases: [], file: 'main.php', tools: ['php'], version: ['{tool}', '--version'], run: ['{tool}', '{file}'] },
];

const BY_NAME: ReadonlyMap<string, Language> = new Map(
  LANGUAGES.flatMap((language) => [language.name, ...language.aliases].map((name) => [name, language] as const)),
);

export const LANGUAGE_NAMES: readonly string[] = LANGUAGES.map((language) => language.name);

export const findLanguage = (name: string): Language | undefined => BY_NAME.get(name.toLowerCase());
