import { optionList, type OptionList } from './options.ts';
import { objection, type Arg, type Check, type Objection } from './program.ts';
import type { Hardening } from '../types.ts';

/**
 * What git is given whatever was asked for: no pager, no file system monitor, no hooks, no configuration of the machine or the user. The repository's own
 * configuration still names filters and drivers, so an untrusted repository is code: run git in a sandbox.
 */
export const GIT_HARDENING: Hardening = {
  insert: [
    '--no-pager',
    '-c',
    'core.fsmonitor=false',
    '-c',
    'core.hooksPath=/dev/null',
    '-c',
    'core.pager=cat',
    '-c',
    'diff.external=',
    '-c',
    'protocol.ext.allow=never',
  ],
  env: {
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_PAGER: 'cat',
    GIT_EDITOR: 'true',
    GIT_SEQUENCE_EDITOR: 'true',
    GIT_ASKPASS: 'true',
    SSH_ASKPASS: 'true',
  },
};

const TEXT = { rest: 'text' } as const;

/** A remote that the repository knows: an address could name any machine, or a program. */
const remote = (text: string): string | undefined =>
  /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) ? undefined : `${text} is not the name of a remote`;

const refspec = (text: string): string | undefined =>
  text.includes('::') || text.includes('..') ? `${text} is not a branch or a refspec` : undefined;

const TRANSFER = { first: [remote], rest: refspec } as const;

const PRETTY =
  'oneline pretty=? format= abbrev-commit no-abbrev-commit abbrev=? encoding= decorate=? no-decorate decorate-refs= decorate-refs-exclude= notes=? no-notes ' +
  'date= relative-date parents children graph no-graph';
const PICK =
  'max-count= skip= since= after= until= before= since-as-filter= author= committer= grep= all-match invert-grep regexp-ignore-case basic-regexp extended-regexp ' +
  'fixed-strings perl-regexp merges no-merges min-parents= max-parents= first-parent not all branches=? tags=? remotes=? glob= exclude= reflog ignore-missing cherry ' +
  'cherry-mark cherry-pick left-only right-only left-right boundary simplify-by-decoration full-history dense sparse simplify-merges ancestry-path=? topo-order ' +
  'date-order author-date-order reverse no-walk=? source mailmap no-mailmap use-mailmap full-diff follow count objects';
const DIFF =
  'patch no-patch unified= raw patch-with-raw indent-heuristic no-indent-heuristic minimal patience histogram anchored= diff-algorithm= stat=? compact-summary numstat ' +
  'shortstat dirstat=? cumulative summary patch-with-stat name-only name-status submodule=? color=? no-color color-moved=? no-color-moved color-moved-ws= word-diff=? ' +
  'word-diff-regex= color-words=? no-renames rename-empty no-rename-empty check ws-error-highlight= full-index binary no-binary diff-filter= break-rewrites=? find-renames=? ' +
  'find-copies=? find-copies-harder irreversible-delete pickaxe-all pickaxe-regex relative=? no-relative text ignore-cr-at-eol ignore-space-at-eol ignore-space-change ' +
  'ignore-all-space ignore-blank-lines ignore-matching-lines= inter-hunk-context= function-context exit-code quiet no-ext-diff no-textconv ignore-submodules=? src-prefix= ' +
  'dst-prefix= no-prefix default-prefix line-prefix= ita-invisible-in-index cached staged merge-base diff-merges= no-diff-merges dd cc remerge-diff base ours theirs skip-to= rotate-to=';
const DIFF_SHORT = 'puU:szB?M?C?Dl:S:G:RabwI:WX?';

/** Output goes to standard output: -O (order file), --output, --ext-diff and --textconv are not here. */
const LOG: OptionList = {
  short: `${DIFF_SHORT}n:iEFPgcmtL:q`,
  long: `${PRETTY} ${PICK} ${DIFF}`,
  digits: true,
  operands: TEXT,
};

const SUBCOMMANDS: Readonly<Record<string, OptionList>> = {
  status: {
    short: 'sbvzu?',
    long: 'short branch show-stash porcelain=? long verbose untracked-files=? ignore-submodules=? ignored=? column=? no-column ahead-behind no-ahead-behind renames no-renames find-renames=?',
    operands: TEXT,
  },
  log: LOG,
  show: LOG,
  whatchanged: LOG,
  diff: { short: DIFF_SHORT, long: DIFF, digits: true, operands: TEXT },
  'diff-tree': { ...LOG, short: `${DIFF_SHORT}rtmcv`, long: `${PRETTY} ${DIFF} root stdin no-commit-id combined-all-paths` },
  'diff-index': { short: `${DIFF_SHORT}m`, long: DIFF, operands: TEXT },
  'diff-files': { short: `${DIFF_SHORT}q0123c`, long: DIFF, operands: TEXT },
  'range-diff': { short: DIFF_SHORT, long: `${DIFF} creation-factor= no-dual-color left-only right-only`, operands: TEXT },
  shortlog: { short: 'nsew?c', long: `numbered summary email format= date= group= committer ${PICK}`, operands: TEXT },
  'rev-list': {
    short: 'n:iEFPgcz',
    long: `${PRETTY} ${PICK} header timestamp disk-usage=? object-names no-object-names quiet`,
    digits: true,
    operands: TEXT,
  },
  'rev-parse': {
    short: 'q',
    long:
      'verify quiet short=? abbrev-ref=? symbolic symbolic-full-name show-toplevel show-prefix show-cdup git-dir git-common-dir is-inside-work-tree is-inside-git-dir ' +
      'is-bare-repository is-shallow-repository all branches=? tags=? remotes=? glob= not default= revs-only no-revs flags no-flags sq absolute-git-dir show-superproject-working-tree ' +
      'show-object-format=? git-path= path-format= disambiguate= exclude=',
    operands: TEXT,
  },
  'ls-files': {
    short: 'zcdoismktuvfx:',
    long: 'cached deleted modified others ignored stage directory no-empty-directory unmerged killed exclude= exclude-standard error-unmatch full-name recurse-submodules abbrev=? debug eol deduplicate format= resolve-undo',
    operands: TEXT,
  },
  'ls-tree': { short: 'drtlz', long: 'long name-only name-status object-only full-name full-tree abbrev=? format=', operands: TEXT },
  'ls-remote': { short: 'htq', long: 'heads branches tags refs quiet exit-code symref sort= get-url', operands: TRANSFER },
  blame: {
    short: 'bcefhklL:M?C?npstw',
    long: 'root show-stats show-name show-number show-email date= porcelain line-porcelain incremental encoding= color-lines color-by-age abbrev= first-parent reverse since= ignore-rev= progress no-progress score-debug minimal',
    operands: TEXT,
  },
  annotate: { short: 'bcefhklL:npstw', long: 'date= porcelain', operands: TEXT },
  grep: {
    short: 'A:B:C:ace:EFGhHiIlLm:nopPqrvwWz0123456789',
    long:
      'cached untracked recurse-submodules text ignore-case no-textconv max-depth= recursive no-recursive word-regexp invert-match ' +
      'full-name extended-regexp basic-regexp perl-regexp fixed-strings line-number column files-with-matches name-only files-without-match null only-matching count color=? no-color ' +
      'break heading show-function context= after-context= before-context= function-context max-count= threads= and or not all-match quiet',
    operands: TEXT,
  },
  'cat-file': {
    short: 'tspe',
    long: 'batch=? batch-check=? batch-all-objects buffer unordered follow-symlinks allow-unknown-type',
    operands: TEXT,
  },
  'merge-base': { short: 'a', long: 'all octopus independent is-ancestor fork-point', operands: TEXT },
  'name-rev': { long: 'tags refs= exclude= all name-only no-undefined always', operands: TEXT },
  describe: {
    long: 'dirty=? broken=? all tags contains abbrev=? candidates= exact-match debug long match= exclude= always first-parent',
    operands: TEXT,
  },
  'for-each-ref': {
    long: 'count= sort= format= color=? points-at= merged=? no-merged=? contains=? no-contains=? ignore-case exclude=',
    operands: TEXT,
  },
  'show-ref': { short: 'hdsq', long: 'head heads tags branches dereference hash=? verify abbrev=? quiet exists', operands: TEXT },
  'show-branch': {
    short: 'ar',
    long: 'remotes all current topo-order date-order sparse more= list merge-base independent no-name sha1-name topics reflog=? color=? no-color',
    operands: TEXT,
  },
  'symbolic-ref': { short: 'q', long: 'quiet short', operands: { first: ['text'] } },
  'count-objects': { short: 'vH', long: 'verbose human-readable', operands: {} },
  'check-ignore': { short: 'qvnz', long: 'quiet verbose stdin non-matching no-index', operands: TEXT },
  'check-attr': { short: 'az', long: 'all cached stdin source=', operands: TEXT },
  'check-ref-format': { long: 'branch normalize allow-onelevel refspec-pattern', operands: TEXT },
  cherry: { short: 'v', long: 'abbrev=?', operands: TEXT },
  reflog: { short: 'n:q', long: `${PRETTY} ${PICK} ${DIFF}`, digits: true, operands: TEXT },
  branch: {
    short: 'dDmMcCflrativqu:',
    long:
      'delete move copy force list remotes all verbose quiet color=? no-color column=? no-column sort= merged=? no-merged=? contains=? no-contains=? points-at= format= show-current ' +
      'track=? no-track set-upstream-to= unset-upstream ignore-case abbrev=? no-abbrev create-reflog',
    operands: TEXT,
  },
  tag: {
    short: 'afdln?m:i',
    long: 'annotate force delete list sort= format= points-at= contains=? no-contains=? merged=? no-merged=? message= column=? no-column ignore-case create-reflog color=?',
    operands: TEXT,
  },
  remote: {
    short: 'v',
    long: 'verbose push all',
    operands: {
      first: [(text) => (/^(?:show|get-url|prune|update)$/.test(text) ? undefined : `git remote ${text} is not accepted`)],
      rest: remote,
    },
  },
  add: {
    short: 'nvfuA',
    long: 'dry-run verbose force update all no-ignore-removal intent-to-add refresh ignore-errors ignore-missing sparse renormalize chmod=',
    operands: TEXT,
  },
  rm: { short: 'fnrq', long: 'force dry-run cached ignore-unmatch quiet sparse', operands: TEXT },
  mv: { short: 'fknv', long: 'force dry-run verbose sparse', operands: TEXT },
  commit: {
    short: 'aqvm:F:snu?zi',
    long:
      'all quiet verbose message= file= signoff no-signoff dry-run short branch porcelain long null amend no-edit allow-empty allow-empty-message no-verify author= date= status no-status ' +
      'reset-author trailer= fixup= squash= only include cleanup= untracked-files=? reuse-message= no-post-rewrite no-gpg-sign',
    values: { F: 'read', file: 'read' },
    operands: TEXT,
  },
  checkout: {
    short: 'qfb:B:dltmp',
    long: 'quiet progress no-progress force ours theirs detach track=? no-track guess no-guess orphan= merge conflict= overwrite-ignore no-overlay overlay ignore-skip-worktree-bits',
    operands: TEXT,
  },
  switch: {
    short: 'qfc:C:dtm',
    long: 'create= force-create= detach guess no-guess force discard-changes quiet progress no-progress track=? no-track orphan= merge conflict=',
    operands: TEXT,
  },
  restore: {
    short: 's:SWqm',
    long: 'source= staged worktree quiet progress no-progress ours theirs merge conflict= ignore-unmerged overlay no-overlay',
    operands: TEXT,
  },
  reset: { short: 'qN', long: 'soft mixed hard merge keep quiet no-quiet refresh no-refresh intent-to-add', operands: TEXT },
  stash: {
    short: 'qkm:uapS',
    long: `quiet keep-index no-keep-index message= include-untracked all index staged ${PRETTY} ${DIFF}`,
    operands: {
      first: [
        (text) =>
          /^(?:list|show|push|pop|apply|drop|clear|save|create|branch)$/.test(text) ? undefined : `git stash ${text} is not accepted`,
      ],
      rest: 'text',
    },
  },
  merge: {
    short: 'nqvm:s:',
    long: 'stat no-stat squash no-squash commit no-commit no-edit ff no-ff ff-only abort continue quit quiet verbose message= no-verify strategy= allow-unrelated-histories no-gpg-sign',
    values: {
      s: (text) => (/^(?:ort|recursive|resolve|octopus|ours|subtree)$/.test(text) ? undefined : 'a strategy is a program'),
      strategy: (text) => (/^(?:ort|recursive|resolve|octopus|ours|subtree)$/.test(text) ? undefined : 'a strategy is a program'),
    },
    operands: TEXT,
  },
  'cherry-pick': {
    short: 'nxm:s',
    long: 'no-commit mainline= abort continue quit skip signoff ff allow-empty keep-redundant-commits no-gpg-sign',
    operands: TEXT,
  },
  revert: { short: 'nm:s', long: 'no-commit no-edit mainline= abort continue quit skip signoff no-gpg-sign', operands: TEXT },
  fetch: {
    short: 'apPtnfqvk',
    long: 'all append depth= deepen= shallow-since= unshallow dry-run force keep prune prune-tags no-tags tags quiet verbose progress no-progress no-auto-maintenance no-auto-gc jobs= refetch atomic',
    operands: TRANSFER,
  },
  pull: {
    short: 'qvra',
    long: 'quiet verbose ff-only no-ff ff no-rebase all prune tags no-tags depth= unshallow no-edit autostash no-autostash no-commit commit stat no-stat',
    operands: TRANSFER,
  },
  push: {
    short: 'nufqvd',
    long: 'all branches tags follow-tags dry-run porcelain delete force force-with-lease=? set-upstream quiet verbose progress no-progress atomic no-verify prune',
    operands: TRANSFER,
  },
  init: { short: 'qb:', long: 'quiet bare initial-branch= object-format=', operands: { first: ['read'] } },
  version: { long: 'build-options', operands: {} },
  help: { short: 'ag', long: 'all guides no-external-commands no-aliases', operands: {} },
};

const GLOBAL_FLAGS = new Set(
  '--no-pager -P --no-replace-objects --no-optional-locks --no-lazy-fetch --literal-pathspecs --glob-pathspecs --noglob-pathspecs --icase-pathspecs --no-advice'.split(
    ' ',
  ),
);

const CHECKS: ReadonlyMap<string, Check> = new Map(Object.entries(SUBCOMMANDS).map(([name, list]) => [name, optionList(list)]));

const globalOption = (arg: Arg, value: Arg | undefined, at: number, outside: (path: string) => string | undefined): Objection | number => {
  if (!arg.fixed) return objection('a pattern as an option', 'an unquoted pattern stands where an option would; quote it', at);
  if (GLOBAL_FLAGS.has(arg.text)) return 1;
  if (arg.text !== '-C') return objection(`option ${arg.text}`, `git ${arg.text} is not on the list of what git may be given`, at);
  if (value?.fixed !== true) return objection('option -C', 'git -C needs a folder', at);
  const reason = outside(value.text);
  return reason === undefined ? 2 : objection(`the path ${value.text}`, reason, at + 1);
};

export const checkGit: Check = (args, context) => {
  let index = 0;
  for (;;) {
    const arg = args[index];
    if (arg === undefined) return index === 0 ? undefined : objection('git', 'a sub-command is missing', index - 1);
    if (arg.fixed && args.length === 1 && (arg.text === '--version' || arg.text === '-v' || arg.text === '--help' || arg.text === '-h'))
      return undefined;
    if (!arg.head.startsWith('-')) break;
    const taken = globalOption(arg, args[index + 1], index, context.outside);
    if (typeof taken !== 'number') return taken;
    index += taken;
  }
  const name = args[index];
  const check = name?.fixed === true ? CHECKS.get(name.text) : undefined;
  if (name === undefined || check === undefined)
    return objection(`git ${name?.text ?? ''}`, `the sub-command ${name?.text ?? ''} of git is not on the list`, index);
  const start = index + 1;
  const found = check(args.slice(start), { ...context, contain: (at) => context.contain(at + start) });
  if (found !== undefined) return { ...found, at: found.at + start };
  return noIndexDiff(name.text, args.slice(start), start, context.outside);
};

/** `git diff` of two paths outside a repository reads any file: its operands may not leave the roots. */
const noIndexDiff = (
  name: string,
  args: readonly Arg[],
  start: number,
  outside: (path: string) => string | undefined,
): Objection | undefined => {
  if (name !== 'diff') return undefined;
  for (const [index, { text, fixed }] of args.entries()) {
    if (text.startsWith('-') || !fixed || !(text.startsWith('/') || /(?:^|\/)\.\.(?:\/|$)/.test(text))) continue;
    const reason = outside(text);
    if (reason !== undefined) return objection(`the path ${text}`, reason, start + index);
  }
  return undefined;
};
