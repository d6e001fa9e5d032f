/**
 * How programs that ask are kept from asking. Data: the first entry that fits is used, so what is special stands before what is general.
 */

interface InputHint {
  /** Kernel's names (at most 15 characters) of the process that waits. Absent = any. */
  readonly programs?: readonly string[];
  /** Somewhere in what was run. Absent = whatever it was. */
  readonly command?: RegExp;
  /** Only where the terminal does not echo. */
  readonly hidden?: true;
  readonly hint: string;
}

/** A command by its name, not a part of a longer word. */
const runs = (name: string): RegExp => new RegExp(`(?:^|[\\s;&|(/'"])${name}(?:$|[\\s;&|)'"])`);

const PAGERS = ['less', 'more', 'most', 'pager'];
const EDITORS = ['vi', 'vim', 'vim.basic', 'vim.tiny', 'nvim', 'nano', 'emacs', 'ed', 'editor'];
const SHELLS = ['bash', 'sh', 'dash', 'zsh', 'fish', 'ash', 'busybox', 'ksh'];

const HINTS: readonly InputHint[] = [
  // What asks for a secret.
  { programs: ['sudo'], hint: 'sudo -n fails instead of asking; inside the sandbox it is seldom of use.' },
  { programs: ['su'], hint: 'su cannot be answered without a password; run it as the user you are.' },
  {
    programs: ['ssh', 'scp', 'sftp', 'sshpass'],
    hint: 'ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new: fails instead of asking; use a key.',
  },
  { programs: ['ssh-keygen'], hint: "ssh-keygen -N '' -f FILE asks nothing; remove FILE first if it exists." },
  { programs: ['ssh-add'], hint: 'ssh-add asks for the passphrase of the key: use a key without one.' },
  { programs: ['passwd'], hint: "chpasswd reads 'user:password' from standard input." },
  {
    programs: ['gpg', 'gpg2', 'pinentry', 'pinentry-curses', 'pinentry-tty'],
    hint: 'gpg --batch --yes, with --pinentry-mode loopback --passphrase-file FILE for a passphrase.',
  },
  { programs: ['openssl'], command: runs('req'), hint: "openssl req -batch -subj '/CN=name' -nodes asks nothing." },
  { programs: ['openssl'], hint: 'openssl takes the passphrase with -passin/-passout (file:FILE, env:NAME); -batch where there is one.' },
  { programs: ['docker'], command: /\blogin\b/, hint: 'docker login -u USER --password-stdin.' },
  { programs: ['podman', 'buildah'], command: /\blogin\b/, hint: 'podman login -u USER --password-stdin.' },
  {
    programs: ['psql', 'pg_dump', 'pg_restore', 'createdb', 'dropdb'],
    hidden: true,
    hint: 'PGPASSWORD or ~/.pgpass; -w fails instead of asking.',
  },
  { programs: ['mysql', 'mariadb', 'mysqldump', 'mysqladmin'], hidden: true, hint: 'MYSQL_PWD or --defaults-extra-file=FILE.' },
  { programs: ['7z', '7za', '7zr', '7zz'], hidden: true, hint: '7z takes the password with -pPASSWORD.' },
  { programs: ['unzip'], hidden: true, hint: 'unzip -P PASSWORD.' },
  { programs: ['cryptsetup'], hint: 'cryptsetup --batch-mode --key-file FILE.' },
  { programs: ['kinit'], hint: 'kinit -k -t KEYTAB PRINCIPAL.' },
  {
    programs: ['ansible', 'ansible-playboo', 'ansible-playbook', 'ansible-vault'],
    hint: 'ansible: --vault-password-file FILE, no --ask-* options.',
  },
  { command: /\bansible(?:-playbook|-vault)?\b/, hint: 'ansible: --vault-password-file FILE, no --ask-* options.' },
  {
    programs: ['git', 'git-remote-http', 'git-remote-https', 'git-credential-'],
    hint: 'GIT_TERMINAL_PROMPT=0 fails instead of asking; give credentials by a helper.',
  },

  // Pagers and full-screen viewers.
  { programs: PAGERS, command: runs('git'), hint: 'git --no-pager, or PAGER=cat. "q" leaves the pager.' },
  { programs: PAGERS, command: runs('systemctl|journalctl'), hint: '--no-pager. "q" leaves the pager.' },
  { programs: PAGERS, command: runs('man'), hint: 'MANPAGER=cat man PAGE. "q" leaves the pager.' },
  { programs: PAGERS, command: runs('psql'), hint: 'psql -P pager=off. "q" leaves the pager.' },
  { programs: PAGERS, command: runs('aws'), hint: 'aws --no-cli-pager. "q" leaves the pager.' },
  { programs: PAGERS, command: runs('gh'), hint: 'GH_PAGER=cat. "q" leaves the pager.' },
  { programs: PAGERS, hint: 'PAGER=cat, or pipe to cat; a file is read with cat. "q" leaves the pager.' },
  { programs: ['man'], hint: 'MANPAGER=cat man PAGE.' },
  { programs: ['top'], hint: 'top -b -n 1 prints once. "q" leaves it.' },
  { programs: ['htop', 'btop', 'atop'], hint: 'ps aux or top -b -n 1 print once. "q" leaves it.' },
  { programs: ['watch'], hint: 'Run the command itself; wait can wait for its output. <C-c> ends it.' },

  // Editors, also those that others start.
  { programs: EDITORS, command: /\bgit\b.*\brebase\b/s, hint: 'GIT_SEQUENCE_EDITOR=true, or git -c core.editor=true rebase --continue.' },
  { programs: EDITORS, command: /\bgit\b.*\b(?:merge|pull|revert|cherry-pick|--amend)\b/s, hint: '--no-edit, or git -c core.editor=true.' },
  { programs: EDITORS, command: /\bgit\b.*\bcommit\b/s, hint: 'git commit -m MESSAGE.' },
  { programs: EDITORS, command: /\bgit\b.*\btag\b/s, hint: 'git tag -m MESSAGE.' },
  { programs: EDITORS, command: runs('crontab'), hint: 'crontab FILE replaces the table.' },
  { programs: EDITORS, command: runs('visudo'), hint: 'Write a file and check it with visudo -c -f FILE.' },
  { programs: EDITORS, command: /\bkubectl\b.*\bedit\b/s, hint: 'kubectl patch or apply instead of edit.' },
  {
    programs: ['vi', 'vim', 'vim.basic', 'vim.tiny', 'nvim'],
    hint: 'Files are edited without an editor: files, action "edit". vim -es -c COMMAND -c wq FILE. "<Esc>:q!<CR>" leaves vim.',
  },
  { programs: ['nano'], hint: 'Files are edited without an editor: files, action "edit". "<C-x>" leaves nano.' },
  { programs: ['emacs'], hint: 'emacs --batch. "<C-x><C-c>" leaves emacs.' },
  { programs: ['ed', 'editor'], hint: 'Files are edited without an editor: files, action "edit".' },

  // Package managers.
  { programs: ['apt', 'apt-get', 'aptitude'], hint: 'apt-get -y, with DEBIAN_FRONTEND=noninteractive.' },
  { programs: ['dpkg'], hint: 'dpkg --force-confdef --force-confold, with DEBIAN_FRONTEND=noninteractive.' },
  { programs: ['debconf', 'dpkg-reconfigur', 'frontend', 'whiptail', 'dialog'], hint: 'DEBIAN_FRONTEND=noninteractive.' },
  { programs: ['needrestart'], hint: 'NEEDRESTART_MODE=a.' },
  { programs: ['dnf', 'yum', 'microdnf', 'zypper'], hint: 'dnf -y; zypper --non-interactive.' },
  { programs: ['pacman', 'yay', 'paru'], hint: 'pacman --noconfirm.' },
  { programs: ['apk'], hint: 'apk add without --interactive.' },
  { programs: ['brew'], hint: 'NONINTERACTIVE=1.' },
  { programs: ['snap', 'flatpak'], hint: 'flatpak -y.' },
  { programs: ['add-apt-reposit'], hint: 'add-apt-repository -y.' },
  { command: /\bpip3?\b.*\buninstall\b/s, hint: 'pip uninstall -y.' },
  { programs: ['pip', 'pip3'], hint: 'pip --no-input; uninstall -y.' },
  { command: runs('pipenv|poetry'), hint: 'poetry -n; pipenv --yes.' },
  { command: runs('(?:conda|mamba|micromamba)'), hint: 'conda -y.' },
  { command: /\bnpm\s+(?:init|create)\b/, hint: 'npm init -y; for an initializer, its own options behind --.' },
  { command: runs('npx'), hint: 'npx --yes, and the own options of what it runs.' },
  { command: /\bnpm\s+(?:login|adduser|publish)\b/, hint: 'npm takes a token from .npmrc (//registry.npmjs.org/:_authToken).' },
  { command: /\byarn\s+(?:init|create)\b/, hint: 'yarn init -y.' },
  { command: runs('yarn'), hint: 'yarn --non-interactive.' },
  { command: /\bpnpm\s+(?:init|create|dlx)\b/, hint: 'pnpm create NAME with all its options; CI=true keeps pnpm from asking.' },
  { command: runs('pnpm'), hint: 'CI=true keeps pnpm from asking.' },
  { command: runs('bun'), hint: 'bun init -y.' },
  { command: /\bcreate-[a-z]/, hint: 'Name the folder and --template on the command line; CI=true or --yes where it has them.' },
  { command: runs('(?:ng|nx|nest)'), hint: '--defaults, --interactive=false, --no-interactive.' },
  { command: /\bcargo\s+login\b/, hint: 'CARGO_REGISTRY_TOKEN.' },
  { command: runs('rustup-init|rustup-init.sh'), hint: 'rustup-init -y.' },
  { command: runs('composer'), hint: 'composer --no-interaction.' },
  { command: runs('gem|bundle|bundler'), hint: 'gem --force; bundle config set without asking.' },
  { command: runs('mvn'), hint: 'mvn -B (--batch-mode).' },
  { command: runs('sbt'), hint: 'sbt -batch.' },

  // Tools of the trade.
  { command: /\bterraform\b|\btofu\b/, hint: 'terraform -input=false, apply -auto-approve.' },
  { command: runs('pulumi'), hint: 'pulumi --yes --non-interactive.' },
  { command: runs('gcloud'), hint: 'gcloud --quiet.' },
  { command: runs('az'), hint: 'az --yes; az config set core.disable_confirm_prompt=true.' },
  { command: runs('aws'), hint: 'aws takes credentials from the environment; --no-cli-auto-prompt.' },
  { command: runs('gh'), hint: 'GH_PROMPT_DISABLED=1, GH_TOKEN; give title, body and --yes as options.' },
  { command: runs('glab'), hint: 'glab --yes, GITLAB_TOKEN, and all values as options.' },
  { command: runs('heroku'), hint: 'HEROKU_API_KEY; --confirm APP.' },
  { command: runs('kubectl'), hint: 'kubectl without -i/-t; --yes where it has one.' },
  { command: runs('(?:helm|flyctl|fly|vercel|netlify|wrangler|firebase)'), hint: '--yes, or a token in the environment.' },
  { command: /\bdocker\b.*\b(?:prune|rm)\b/s, hint: 'docker ... prune -f.' },
  { programs: ['docker', 'podman'], hint: 'docker run without -i and -t ends when its program does.' },
  { command: /\bmanage\.py\b/, hint: 'manage.py --noinput.' },
  { command: runs('(?:alembic|prisma|drizzle-kit)'), hint: 'prisma migrate deploy; --accept-data-loss, --force.' },
  { command: runs('git\\s+(?:add|checkout|reset|stash|commit)\\s+(?:-p|--patch)'), hint: 'Without -p: name the files.' },
  { command: /\bgit\s+clean\b.*\s-i\b/, hint: 'git clean -f.' },
  { command: /\bgit\s+(?:mergetool|difftool)\b/, hint: 'git mergetool --no-prompt, or edit the file and git add it.' },
  { programs: ['make'], command: /\b(?:menuconfig|oldconfig|config)\b/, hint: 'make olddefconfig.' },
  { programs: ['conf'], hint: 'make olddefconfig.' },

  // Files.
  { programs: ['rm'], hint: 'rm -f.' },
  { programs: ['cp', 'mv', 'ln'], hint: '-f overwrites without asking, -n leaves what exists.' },
  { programs: ['unzip'], hint: 'unzip -o overwrites, -n leaves what exists.' },
  { programs: ['7z', '7za', '7zr', '7zz'], hint: '7z -y.' },
  { programs: ['gzip', 'gunzip', 'bzip2', 'bunzip2', 'xz', 'unxz', 'zstd'], hint: '-f overwrites without asking.' },
  { programs: ['ffmpeg'], hint: 'ffmpeg -nostdin -y overwrites, -n leaves what exists.' },
  { programs: ['patch'], hint: 'patch --batch, or --forward.' },
  { programs: ['fdisk', 'sfdisk', 'parted'], hint: 'sfdisk reads a script from standard input; parted -s.' },
  { programs: ['mkfs.ext4', 'mke2fs'], hint: 'mkfs -F.' },
  { programs: ['fsck', 'e2fsck'], hint: 'fsck -y or -n.' },

  // Interpreters and debuggers at their prompt.
  { programs: ['gdb'], hint: 'gdb -batch -ex COMMAND ... PROGRAM answers and ends. "quit" leaves it.' },
  { programs: ['lldb'], hint: 'lldb --batch -o COMMAND ... PROGRAM. "quit" leaves it.' },
  { programs: ['psql'], hint: 'psql -c \'SQL\' or -f FILE. "\\q" leaves it.' },
  { programs: ['mysql', 'mariadb'], hint: 'mysql -e \'SQL\' or < FILE. "exit" leaves it.' },
  { programs: ['sqlite3'], hint: 'sqlite3 FILE \'SQL\'. ".quit" leaves it.' },
  { programs: ['redis-cli'], hint: 'redis-cli COMMAND ... answers and ends.' },
  { programs: ['mongosh', 'mongo'], hint: "mongosh --eval 'CODE' --quiet." },
  { programs: ['bc', 'dc'], hint: 'Give the expression on standard input (stdin), or quit to leave it.' },
  {
    programs: ['cat', 'tee', 'sort', 'wc', 'grep', 'awk', 'gawk', 'mawk', 'sed', 'xargs', 'head', 'tail', 'tr', 'cut', 'uniq', 'jq'],
    hint: 'It reads standard input: name a file, pass stdin, or end it with end: true.',
  },
  {
    programs: ['python', 'python3', 'ipython', 'ipython3', 'pypy3'],
    command: /^(?:\S*\/)?(?:i?python|pypy)[\d.]*(?:\s+-[iqBu]+)*$/,
    hint: 'python -c CODE, or execute_code. "exit()" leaves it.',
  },
  { programs: ['node'], command: /^(?:\S*\/)?node(?:\s+-i)?$/, hint: 'node -e CODE, or execute_code. ".exit" leaves it.' },
  {
    programs: ['irb', 'ghci', 'R', 'julia', 'lua', 'scala', 'jshell', 'php', 'iex', 'erl', 'octave', 'octave-cli'],
    hint: 'Give it a file or code on the command line (-e), or use execute_code.',
  },
  { programs: SHELLS, command: /\bread\b|\bselect\b/, hint: 'A shell reads a line: pass stdin, or send_input.' },
];

const fits = ({ programs, command, hidden }: InputHint, program: string, run: string, isHidden: boolean): boolean =>
  (programs === undefined || programs.includes(program)) &&
  (command === undefined || command.test(run)) &&
  (hidden === undefined || isHidden);

/** The way not to be asked by this program, which waits within `run`; undefined where none is known. */
export const inputHint = (program: string, run: string, hidden: boolean): string | undefined =>
  HINTS.find((one) => fits(one, program, run, hidden))?.hint;
