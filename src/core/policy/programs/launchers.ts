/** How a program that starts another one is read, to find out which. */
export interface Launcher {
  /** Letters of options that take the next word. */
  readonly values?: string;
  /** Names of long options that take the next word. */
  readonly long?: readonly string[];
  /** Words between the options and the program. */
  readonly operands?: number;
  /** `NAME=value` before the program. */
  readonly assignments?: true;
  /** An option with which it starts nothing. */
  readonly looks?: RegExp;
  /** An option that takes shell text; the text follows. */
  readonly text?: RegExp;
  /** The words from the program on are one shell text. */
  readonly joins?: true;
  /** An option with which what it starts is not in its arguments as words. */
  readonly refused?: RegExp;
}

const words = (text: string): readonly string[] => text.split(' ');

/** Starts what its arguments name. Their own option tables are what is needed to find the name, and no more. */
export const LAUNCHERS: ReadonlyMap<string, Launcher> = new Map<string, Launcher>([
  ['env', { values: 'uC', long: words('unset chdir'), assignments: true, refused: /^-[a-zA-Z0]*S|^--split/ }],
  [
    'xargs',
    {
      values: 'adEILnPs',
      long: words('arg-file delimiter max-args max-procs max-chars process-slot-var'),
      refused: /^-[a-zA-Z0]*a|^--arg-file/,
    },
  ],
  ['nice', { values: 'n', long: ['adjustment'] }],
  ['ionice', { values: 'cn', long: words('class classdata'), looks: /^-[pPu]/ }],
  ['timeout', { values: 'ks', long: words('kill-after signal'), operands: 1 }],
  ['nohup', {}],
  ['stdbuf', { values: 'ioe', long: words('input output error') }],
  ['time', { values: 'fo', long: words('format output') }],
  ['setsid', {}],
  [
    'sudo',
    {
      values: 'CDghpRrtTUu',
      long: words('close-from chdir group host prompt chroot role type command-timeout other-user user'),
      assignments: true,
    },
  ],
  ['doas', { values: 'aCu' }],
  [
    'su',
    {
      values: 'gGsTw',
      long: words('group supp-group shell whitelist-environment'),
      operands: 1,
      text: /^-[a-z]*c$|^--(?:session-)?command$/,
    },
  ],
  [
    'runuser',
    { values: 'gGsTwu', long: words('group supp-group shell user whitelist-environment'), text: /^-[a-z]*c$|^--(?:session-)?command$/ },
  ],
  ['setpriv', { long: words('reuid regid groups inh-caps ambient-caps bounding-set securebits pdeathsig') }],
  ['gosu', { operands: 1 }],
  ['su-exec', { operands: 1 }],
  ['chroot', { long: words('userspec groups'), operands: 1 }],
  ['flock', { values: 'wE', long: words('timeout conflict-exit-code'), operands: 1, text: /^-[a-z]*c$|^--command$/ }],
  ['watch', { values: 'nq', long: words('interval equexit'), joins: true }],
  ['strace', { values: 'abeEIoOpPsSuUX', long: words('output attach trace user env') }],
  ['ltrace', { values: 'aeFlnopsuwx' }],
  ['unshare', { values: 'RwSG', long: words('root wd setuid setgid propagation setgroups') }],
  ['nsenter', { values: 'tSG', long: words('target setuid setgid') }],
  ['bwrap', { refused: /^--/ }],
  ['chrt', { values: 'TPDp', operands: 1 }],
  ['taskset', { values: 'p', operands: 1 }],
  ['choom', { values: 'np' }],
  ['prlimit', {}],
  ['setarch', { operands: 1 }],
  ['linux32', {}],
  ['linux64', {}],
  ['fakeroot', { values: 'lsib' }],
  ['dbus-run-session', { long: words('config-file dbus-daemon') }],
  ['xvfb-run', { values: 'efnpsw' }],
  ['catchsegv', {}],
  ['unbuffer', {}],
  ['busybox', { looks: /^--/ }],
  ['toybox', { looks: /^--/ }],
  ['command', { looks: /^-[a-zA-Z]*[vV]/ }],
  ['builtin', {}],
  ['exec', { values: 'a' }],
  ['coproc', {}],
]);

/** Reads commands from its arguments, a file, or its input. */
export const SHELLS: ReadonlySet<string> = new Set(words('sh bash dash ash zsh ksh mksh rbash fish csh tcsh'));

/** Starts something with a syntax of its own: any word in its arguments may be it. */
export const SCANNED: ReadonlySet<string> = new Set(
  words(
    'parallel tmux screen byobu zellij systemd-run start-stop-daemon script expect gdb lldb entr fd fdfind run-parts daemonize dtach rlwrap chpst socat ssh',
  ),
);

/** Reads what it starts from its input alone. */
export const READERS: ReadonlySet<string> = new Set(words('at batch'));
