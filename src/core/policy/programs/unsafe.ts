import { optionList } from './options.ts';
import type { Check, ProgramClass } from './program.ts';

/** Why a program needs a grant, and the programs. Whoever starts one of them has started anything. */
const GROUPS: readonly (readonly [why: string, names: string])[] = [
  [
    'it is a shell',
    'sh bash dash zsh ksh mksh fish csh tcsh ash rbash busybox toybox sash pwsh powershell nu elvish xonsh rc es yash oksh lksh',
  ],
  [
    'it runs programs that it is given',
    'python perl ruby node nodejs bun deno php lua luajit tclsh wish expect groovy scala kotlin jshell java javaw erl escript elixir iex ghci runghc ocaml R Rscript julia ' +
      'octave octave-cli gdl guile racket sbcl clisp clojure clj swift dart jjs jrunscript irb pry ipython pypy nashorn gnuplot maxima bc dc m4 tcc cpp ' +
      'ts-node tsx esno zx coffee babel-node swipl gst gforth sqlmap msfconsole dotnet mono csi fsi fsharpi cobc nim crystal v zig vala',
  ],
  [
    'it runs scripts that a project brings along',
    'npm npx pnpm pnpx yarn corepack bunx pip pip3 pipx pipenv poetry uv uvx conda mamba micromamba easy_install gem bundle bundler rake cargo rustup go composer cpan cpanm luarocks ' +
      'mvn mvnw gradle gradlew ant sbt lein mill bazel buck pants nx turbo lerna rush make gmake bmake cmake ctest cpack ninja meson scons waf just task mage tup autoconf automake ' +
      'aclocal autoreconf libtool configure invoke fab nox tox pytest py.test jest vitest mocha ava tap karma cypress playwright rspec phpunit behat robot nosetests unittest ' +
      'eslint prettier tsc webpack vite rollup esbuild parcel gulp grunt pre-commit husky lint-staged semantic-release sphinx-build mkdocs hugo jekyll puppet facter chef-client ' +
      'chef-solo salt salt-call ansible ansible-playbook ansible-pull terraform tofu packer vagrant pulumi nix nix-shell nix-build guix snap flatpak brew port apt apt-get aptitude dpkg rpm ' +
      'dnf yum zypper pacman apk emerge opkg slackpkg checkinstall alien debuild dpkg-buildpackage rpmbuild rpmquery rpmdb rpmverify run-parts update-alternatives softwareupdate mas opam stack cabal mix rebar3 nuget choco scoop winget asdf mise pyenv rbenv nvm volta sdk',
  ],
  [
    'it loads plugins and reads response files',
    'gcc g++ cc c++ clang clang++ ld gold lld mold as ar ranlib objcopy strip rustc ghc javac kotlinc scalac gfortran gnat gccgo c89 c99 ccache distcc protoc swig tex latex pdflatex xelatex lualatex pdftex luatex bibtex tlmgr dvips groff troff nroff eqn tbl pic soelim pandoc asciidoctor ghostscript gs convert magick mogrify identify composite import display ffmpeg ffplay ffprobe mencoder mplayer mpv vlc sox',
  ],
  [
    'it is an editor and starts commands',
    'vi vim vimdiff view rvim nvim ex ed red rview nano pico emacs emacsclient joe jed micro mcedit mc ne kak helix hx kate gedit code codium subl hexedit ranger nnn lf vifm',
  ],
  [
    'it is a pager and starts commands',
    'less more most pg man info zless zmore lesspipe bat batcat w3m lynx links elinks xdg-open open run-mailcap mutt mail mailx mailq sendmail exim postfix alpine pine telnet',
  ],
  [
    'it reaches other machines and runs commands for the connection',
    'ssh scp sftp rsync rcp rsh rlogin mosh ssh-agent ssh-add ssh-keygen ssh-keyscan ssh-copy-id sshfs sshpass autossh nc ncat netcat socat ftp lftp tftp curl wget wget2 aria2c axel http https httpie xh yt-dlp youtube-dl nmap zenmap masscan openssl gnutls-cli tcpdump tshark wireshark dumpcap ngrep iptables nft ip ifconfig route openvpn wg wg-quick nmcli dig nslookup host whois finger dhclient tailscale cloudflared ngrok gh glab hub aws gcloud az doctl heroku flyctl fly vercel netlify smbclient rpcclient ldapsearch svn hg bzr fossil cvs darcs p4 git-shell git-receive-pack git-upload-pack rclone restic borg duplicity rdiff-backup telnetd adb fastboot irssi weechat',
  ],
  [
    'it starts containers or machines',
    'docker podman nerdctl ctr crictl runc crun buildah skopeo kubectl helm oc k9s minikube kind k3s lxc lxd incus machinectl systemd-nspawn virsh qemu-system-x86_64 qemu-img qemu-nbd chroot bwrap firejail unshare nsenter singularity apptainer docker-compose',
  ],
  [
    'it changes who a command runs as',
    'sudo su doas pkexec runuser setpriv sg newgrp capsh gosu su-exec sudoedit visudo chpasswd passwd useradd usermod userdel groupadd adduser deluser chsh chfn gpasswd vipw login',
  ],
  [
    'it starts, traces or schedules other programs',
    'setsid flock watch script scriptreplay at batch atq atrm cron crontab anacron systemctl service journalctl loginctl init telinit tmux screen byobu dtach abduco zellij parallel sem entr inotifywait fswatch strace ltrace gdb lldb valgrind perf bpftrace rr unbuffer rlwrap dbus-send dbus-run-session busctl gdbus xinit startx start-stop-daemon systemd-run xvfb-run run-one supervisord pm2 nodemon forever foreman honcho runsv runsvdir chpst softlimit setlock setuidgid envdir envuidgid prlimit taskset chrt cgexec numactl linux32 linux64 setarch i386 x86_64 faketime fakeroot proxychains proxychains4 torsocks tsocks choom logsave pidstat ld.so ld-linux.so ldd hping3 dmsetup dmesg multitime hyperfine logger wall write mesg ctags etags cscope genie xterm gnome-terminal konsole kitty alacritty rxvt xdotool wish8 zsoelim dialog whiptail pdb gcore coredumpctl kill killall pkill skill snice fuser renice reboot shutdown halt poweroff',
  ],
  [
    'it is a database client and starts commands',
    'sqlite3 sqlite psql mysql mariadb mongo mongosh redis-cli influx clickhouse-client cqlsh sqlcmd sqlplus duckdb osqueryi ghostunnel',
  ],
  [
    'it writes wherever it is told',
    'cp mv ln install dd tee truncate touch mkdir rmdir rm unlink shred mktemp mkfifo mknod chmod chown chgrp chattr setfacl setfattr split csplit patch sponge tar bsdtar gtar zip unzip 7z 7za 7zr rar unrar cpio pax gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd lz4 lzma compress uncompress pigz pbzip2 zgrep zegrep zfgrep bzgrep xzgrep zdiff zcmp zcat bzcat xzcat yq dos2unix unix2dos iconv uuencode uudecode gpg gpg2 age pass genisoimage mkisofs xorriso mount umount losetup fdisk parted mkfs fsck e2fsck debugfs swapon sysctl modprobe insmod rmmod ldconfig logrotate cancel lp lpr basez hexpatch ssconvert pdftotext qpdf exiftool jpegtran optipng tic update-rc.d',
  ],
];

const version = (flags: string): Check => {
  const wanted = new Set(flags.split(' '));
  return (args) =>
    args.length === 1 && args[0]?.fixed === true && wanted.has(args[0].text) ? undefined : { construct: 'arguments', reason: '', at: 0 };
};

const asksVersion = version('--version -v -V');

/** Uses that start nothing, load nothing and write nothing. */
const HARMLESS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ...'node nodejs'.split(' ').map((name) => [name, version('--version -v --help -h')] as const),
  ...'python python3 ruby gcc g++ cc c++ clang clang++ bash make cmake docker'
    .split(' ')
    .map((name) => [name, version('--version')] as const),
  ...'perl php lua java deno'.split(' ').map((name) => [name, name === 'java' ? version('-version --version') : asksVersion] as const),
  // Lists an archive; an archive on another machine has a colon in its name.
  [
    'tar',
    (args, context) => {
      const [first, ...rest] = args;
      const bundled = first?.fixed === true && /^[tvf]+$/.test(first.text) && first.text.includes('t');
      const words = bundled ? [{ ...first, text: `-${first.text}`, head: `-${first.text}` }, ...rest] : args;
      if (!words.some(({ text }) => /^-[vf]*t[vf]*$/.test(text) || text === '--list')) return { construct: 'tar', reason: '', at: 0 };
      return LIST_ARCHIVE(words, context);
    },
  ],
  ['unzip', optionList({ short: 'lvqZ1', operands: { first: ['read'], rest: 'text' } })],
  [
    'tee',
    optionList({
      short: 'ai',
      long: 'append ignore-interrupts',
      operands: { rest: (text) => (text === '/dev/null' ? undefined : 'tee writes files') },
    }),
  ],
  ['iconv', optionList({ short: 'f:t:cls', long: 'from-code= to-code= list silent', operands: { rest: 'read' } })],
  ...'gzip gunzip bzip2 xz zstd'
    .split(' ')
    .map((name) => [name, optionList({ short: 'l', long: 'list', operands: { rest: 'read' } })] as const),
]);

const LIST_ARCHIVE = optionList({
  short: 'tvf:',
  long: 'list verbose file= wildcards',
  values: {
    f: (text) => (text.includes(':') ? 'an archive on another machine' : undefined),
    file: (text) => (text.includes(':') ? 'an archive on another machine' : undefined),
  },
  operands: { rest: 'text' },
});

const needsList =
  (name: string, check: Check): Check =>
  (args, context) =>
    name === 'unzip' && !args.some(({ text }) => /^-[lvqZ1]*[lvZ][lvqZ1]*$/.test(text))
      ? { construct: name, reason: '', at: 0 }
      : /^(?:gzip|gunzip|bzip2|xz|zstd)$/.test(name) && !args.some(({ text }) => text === '-l' || text === '--list')
        ? { construct: name, reason: '', at: 0 }
        : check(args, context);

export const UNSAFE: ReadonlyMap<string, ProgramClass> = new Map(
  GROUPS.flatMap(([why, names]) =>
    names.split(' ').map((name): readonly [string, ProgramClass] => {
      const harmless = HARMLESS.get(name);
      return [name, harmless === undefined ? { kind: 'unsafe', why } : { kind: 'unsafe', why, harmless: needsList(name, harmless) }];
    }),
  ),
);

/** Versioned and prefixed names of the same programs: python3.12, gcc-13, x86_64-linux-gnu-gcc, lua5.4. */
const VERSIONED =
  /^(?:[a-z0-9_]+-(?:[a-z0-9_]+-)*)?(python|pip|perl|ruby|irb|gem|node|php|lua|luac|luajit|tclsh|wish|java|gcc|g\+\+|cc|clang|clang\+\+|ld|gfortran|vim|emacs|guile|ghc|go|erl|gdb|lldb|llvm|pypy|python-config|bash|zsh|ksh)[-.]?[0-9][0-9.]*[a-z]{0,2}$/;
const CROSS = /^[a-z0-9_]+-(?:[a-z0-9_]+-)+(gcc|g\+\+|cc|ld|as|clang|clang\+\+|gdb|cpp|gfortran)$/;

export const unsafeFamily = (name: string): ProgramClass | undefined => {
  const base = VERSIONED.exec(name)?.[1] ?? CROSS.exec(name)?.[1] ?? (/^vim\.|^mkfs\.|^fsck\.|^ld-linux/.test(name) ? 'gcc' : undefined);
  return base === undefined ? undefined : (UNSAFE.get(base) ?? UNSAFE.get('gcc'));
};
