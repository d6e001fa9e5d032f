import { byJson, byLines, type Installed } from './listed.ts';

/** A package manager is data: how its packages are named, looked for, installed and listed. */
export interface Manager {
  readonly name: string;
  /** Languages whose packages it installs; the first manager of a language is taken. */
  readonly languages: readonly string[];
  /** Programs of which one must be present, best first; `{tool}` below stands for the one found. */
  readonly tools: readonly string[];
  /** What a package may be called, version included. Nothing of it can be an option, a path, or a word for a shell. */
  readonly grammar: RegExp;
  /** For messages: how one is written. */
  readonly example: string;
  /** From what was asked for to the bare name. */
  readonly bare: (spec: string) => string;
  /** Added to a name without a version, where the manager wants one. */
  readonly latest?: string;
  /** It changes the system's folders, and so needs root: there is no such thing in an isolated sandbox. */
  readonly system: boolean;
  /** Before an installation; may fail. */
  readonly refresh?: readonly string[];
  /** The packages follow, one word each. */
  readonly install: readonly string[];
  /** `{name}` the bare name; exits with 0 when it is there. Absent = installing again is how one finds out. */
  readonly has?: readonly string[];
  readonly list: readonly string[];
  readonly read: (text: string) => readonly Installed[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where there is no right to the system's folders: into the home folder. */
  readonly homeEnv?: Readonly<Record<string, string>>;
}

/** The longest name and version together. */
export const PACKAGE_LENGTH = 214;

/** None ends in a dash: to apt that means to remove it. */
const DEBIAN = /^[a-z0-9](?:[a-z0-9+.-]*[a-z0-9+.])?(?::[a-z0-9]+)?(?:=[A-Za-z0-9](?:[A-Za-z0-9.+:~-]*[A-Za-z0-9.+~])?)?$/;
const RPM = /^[A-Za-z0-9][A-Za-z0-9+._-]*$/;
const PYTHON =
  /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[A-Za-z0-9._,-]+\])?(?:(?:[=!<>~]=|===|[<>])[A-Za-z0-9.*+!-]+(?:,(?:[=!<>~]=|[<>])[A-Za-z0-9.*+!-]+)*)?$/;
const NODE = /^(?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*(?:@(?:[\^~]|[<>]=?)?[A-Za-z0-9][A-Za-z0-9.+-]*)?$/;
const CRATE = /^[A-Za-z][A-Za-z0-9_-]*(?:@\d+(?:\.\d+){0,2}(?:-[A-Za-z0-9.-]+)?)?$/;
const MODULE = /^[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+(?:\/[A-Za-z0-9][A-Za-z0-9._~-]*)*(?:@[A-Za-z0-9][A-Za-z0-9.+-]*)?$/;
const GEM = /^[A-Za-z0-9][A-Za-z0-9._-]*(?::\d[A-Za-z0-9.]*)?$/;

const before = (pattern: RegExp) => (spec: string) => spec.split(pattern, 1)[0] ?? spec;
const npmName = (spec: string): string => {
  const at = spec.indexOf('@', 1);
  return at < 0 ? spec : spec.slice(0, at);
};

export const MANAGERS: readonly Manager[] = [
  {
    name: 'pip',
    languages: ['python'],
    tools: ['pip', 'pip3'],
    grammar: PYTHON,
    example: 'requests or requests==2.32.0',
    bare: before(/[[=!<>~]/),
    system: false,
    install: ['{tool}', 'install', '--no-input', '--disable-pip-version-check', '--'],
    has: ['{tool}', 'show', '--quiet', '--disable-pip-version-check', '--', '{name}'],
    list: ['{tool}', 'list', '--format=json', '--disable-pip-version-check'],
    read: byJson,
    env: { PIP_NO_COLOR: '1', PIP_PROGRESS_BAR: 'off' },
    homeEnv: { PIP_USER: '1', PIP_BREAK_SYSTEM_PACKAGES: '1' },
  },
  {
    name: 'npm',
    languages: ['javascript', 'typescript'],
    tools: ['npm'],
    grammar: NODE,
    example: 'typescript or typescript@5.4.5',
    bare: npmName,
    system: false,
    install: ['{tool}', 'install', '--global', '--no-fund', '--no-audit', '--'],
    has: ['{tool}', 'list', '--global', '--depth=0', '--', '{name}'],
    list: ['{tool}', 'list', '--global', '--depth=0', '--json'],
    read: byJson,
    env: { npm_config_color: 'false', npm_config_update_notifier: 'false' },
    homeEnv: { npm_config_prefix: '{home}/.local' },
  },
  {
    name: 'cargo',
    languages: ['rust'],
    tools: ['cargo'],
    grammar: CRATE,
    example: 'ripgrep or ripgrep@14.1.0',
    bare: before(/@/),
    system: false,
    install: ['{tool}', 'install', '--'],
    list: ['{tool}', 'install', '--list'],
    read: byLines(/^(\S+) v(\S+?)(?: \(.*\))?:$/),
    homeEnv: { CARGO_HOME: '{home}/.cargo', CARGO_INSTALL_ROOT: '{home}/.local' },
  },
  {
    name: 'go',
    languages: ['go'],
    tools: ['go'],
    grammar: MODULE,
    example: 'golang.org/x/tools/gopls or golang.org/x/tools/gopls@v0.16.0',
    bare: before(/@/),
    latest: '@latest',
    system: false,
    install: ['{tool}', 'install', '--'],
    list: ['/bin/sh', '-c', '"$1" version -m "${GOBIN:-$("$1" env GOPATH)/bin}" 2>/dev/null; exit 0', 'sh', '{tool}'],
    read: byLines(/^\s+mod\s+(\S+)\s+(\S+)/),
    homeEnv: { GOBIN: '{home}/.local/bin' },
  },
  {
    name: 'gem',
    languages: ['ruby'],
    tools: ['gem'],
    grammar: GEM,
    example: 'rake or rake:13.2.1',
    bare: before(/:/),
    system: false,
    install: ['{tool}', 'install', '--no-document'],
    has: ['{tool}', 'list', '--local', '--installed', '--exact', '{name}'],
    list: ['{tool}', 'list', '--local', '--quiet'],
    read: byLines(/^(\S+) \((?:default: )?([^,)]+)/),
    homeEnv: { GEM_HOME: '{home}/.gem', GEM_PATH: '{home}/.gem' },
  },
  {
    name: 'apt',
    languages: [],
    tools: ['apt-get'],
    grammar: DEBIAN,
    example: 'jq or jq=1.7.1-3',
    bare: before(/[=:]/),
    system: true,
    refresh: ['{tool}', '--quiet', 'update'],
    install: ['{tool}', 'install', '--yes', '--quiet', '--no-install-recommends', '--'],
    has: ['/bin/sh', '-c', 'dpkg-query -W -f="\\${db:Status-Status}" -- "$1" 2>/dev/null | grep -qx installed', 'sh', '{name}'],
    list: ['dpkg-query', '-W', '-f=${Package}\t${Version}\n'],
    read: byLines(/^(\S+)\t(\S+)$/),
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  },
  {
    name: 'apk',
    languages: [],
    tools: ['apk'],
    grammar: RPM,
    example: 'jq',
    bare: (spec) => spec,
    system: true,
    refresh: ['{tool}', 'update'],
    install: ['{tool}', 'add', '--no-progress', '--'],
    has: ['{tool}', 'info', '--installed', '--', '{name}'],
    list: ['{tool}', 'info', '-v'],
    read: byLines(/^(\S+?)-(\d\S*)$/),
  },
  {
    name: 'dnf',
    languages: [],
    tools: ['dnf', 'yum'],
    grammar: RPM,
    example: 'jq',
    bare: (spec) => spec,
    system: true,
    install: ['{tool}', 'install', '--assumeyes', '--quiet', '--'],
    has: ['rpm', '--query', '--quiet', '--', '{name}'],
    list: ['rpm', '--query', '--all', '--queryformat', '%{NAME}\t%{VERSION}-%{RELEASE}\n'],
    read: byLines(/^(\S+)\t(\S+)$/),
  },
];

export const MANAGER_NAMES: readonly string[] = MANAGERS.map(({ name }) => name);

/** By its name or that of its program. */
export const findManager = (name: string): Manager | undefined =>
  MANAGERS.find((manager) => manager.name === name || manager.tools.includes(name));

export const managerOfLanguage = (language: string): Manager | undefined => MANAGERS.find(({ languages }) => languages.includes(language));
