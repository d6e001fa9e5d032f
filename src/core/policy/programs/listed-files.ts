import type { OptionList } from './options.ts';

const LOOK = { rest: 'look' } as const;
const READ = { rest: 'read' } as const;
const NONE = {} as const;
const gnu = { abbreviates: true } as const;
const sums = {
  ...gnu,
  short: 'bctwz',
  long: 'binary check tag text zero ignore-missing quiet status strict warn help version length= algorithm= base64 raw untagged debug',
  operands: READ,
} as const;

const time = (text: string): string | undefined => (text.startsWith('+') ? undefined : 'date would set the clock; a format begins with +');

/** ps shows the environment of processes when it is asked to, and secrets are there. */
const columns = (text: string): string | undefined => (/env/i.test(text) ? 'the environment of other processes is not shown' : undefined);
const letters = (text: string): string | undefined =>
  /^[a-df-zA-Z]+$/.test(text) ? undefined : 'only letters other than e are accepted here';

/** Programs that list, show and measure files. `read` keeps content beneath the roots; names and sizes may be looked at anywhere. */
export const LISTED_FILES: Readonly<Record<string, OptionList>> = {
  ls: {
    ...gnu,
    short: 'aAbBcCdfFgGhHiI:klLmnNopqQrRsStT:uUvw:xXZ1',
    long:
      'all almost-all author block-size= ignore-backups color=? directory dired classify=? file-type format= full-time group-directories-first no-group ' +
      'human-readable si dereference-command-line dereference-command-line-symlink-to-dir hide= hyperlink=? indicator-style= inode ignore= kibibytes dereference ' +
      'numeric-uid-gid literal hide-control-chars show-control-chars quote-name quoting-style= reverse recursive size sort= time= time-style= tabsize= width= ' +
      'context zero help version',
    operands: LOOK,
  },
  dir: { ...gnu, short: 'aAbBcCdfFgGhHiklLmnNopqQrRsStuUvxX1', operands: LOOK },
  tree: {
    short: 'adfilxL:P:I:pshugDFqNQrtcUvACSnJ',
    long:
      'du dirsfirst filesfirst noreport prune matchdirs ignore-case filelimit= timefmt= si inodes device sort=? gitignore nolinks charset= ' +
      'metafirst help version',
    values: { L: 'count', filelimit: 'count' },
    operands: LOOK,
  },
  cat: {
    ...gnu,
    short: 'AbeEnstTuv',
    long: 'show-all number-nonblank show-ends number squeeze-blank show-tabs show-nonprinting help version',
    operands: READ,
  },
  tac: { ...gnu, short: 'brs:', long: 'before regex separator= help version', operands: READ },
  rev: { operands: READ },
  nl: {
    ...gnu,
    short: 'b:d:f:h:i:l:n:ps:v:w:',
    long:
      'body-numbering= section-delimiter= footer-numbering= header-numbering= line-increment= join-blank-lines= number-format= no-renumber number-separator= ' +
      'starting-line-number= number-width= help version',
    operands: READ,
  },
  head: {
    ...gnu,
    short: 'c:n:qvz',
    long: 'bytes= lines= quiet silent verbose zero-terminated help version',
    values: { c: 'count', n: 'count', bytes: 'count', lines: 'count' },
    digits: true,
    operands: READ,
  },
  tail: {
    ...gnu,
    short: 'c:fFn:qs:vz',
    long: 'bytes= follow=? lines= max-unchanged-stats= pid= quiet silent retry sleep-interval= verbose zero-terminated help version',
    values: { c: 'count', n: 'count', s: 'count', bytes: 'count', lines: 'count', pid: 'count' },
    digits: true,
    operands: { first: [], rest: 'read' },
  },
  wc: { ...gnu, short: 'clLmw', long: 'bytes chars lines max-line-length words total= !files0-from debug help version', operands: LOOK },
  stat: { ...gnu, short: 'c:fLt', long: 'format= printf= dereference file-system terse cached= help version', operands: LOOK },
  du: {
    ...gnu,
    short: '0abB:cd:DhHklLmPsSt:xX:',
    long:
      'null all apparent-size block-size= bytes total dereference-args max-depth= human-readable inodes count-links dereference no-dereference separate-dirs ' +
      'summarize threshold= time=? time-style= si one-file-system exclude= exclude-from= !files0-from help version',
    values: { X: 'read', 'exclude-from': 'read' },
    operands: LOOK,
  },
  df: {
    ...gnu,
    short: 'aB:hHiklPt:Tvx:',
    long: 'all block-size= human-readable si inodes local no-sync output=? portability print-type sync total type= exclude-type= help version',
    operands: LOOK,
  },
  file: {
    short: 'bdEe:F:hikLlNnprs0v',
    long:
      'brief checking-printout exclude= exclude-quiet= extension separator= no-dereference mime mime-type mime-encoding keep-going list dereference no-buffer no-pad ' +
      'preserve-date raw special-files print0 version help apple !magic-file !files-from !compile !uncompress !uncompress-noreport',
    operands: LOOK,
  },
  readlink: {
    ...gnu,
    short: 'efmnqsvz',
    long: 'canonicalize canonicalize-existing canonicalize-missing no-newline quiet silent verbose zero help version',
    operands: LOOK,
  },
  realpath: {
    ...gnu,
    short: 'eELmPqsz',
    long: 'canonicalize-existing canonicalize-missing logical physical quiet relative-to= relative-base= strip no-symlinks zero help version',
    operands: LOOK,
  },
  basename: { ...gnu, short: 'as:z', long: 'multiple suffix= zero help version', operands: { rest: 'text' } },
  dirname: { ...gnu, short: 'z', long: 'zero help version', operands: { rest: 'text' } },
  pwd: { ...gnu, short: 'LP', long: 'logical physical help version', operands: NONE },
  od: {
    ...gnu,
    short: 'A:abcdDeEfFhHiIj:lLN:oOsS?t:vw?xX',
    long: 'address-radix= skip-bytes= read-bytes= strings=? format= output-duplicates width=? traditional endian= help version',
    operands: READ,
  },
  hexdump: { short: 'bcCde:n:os:vx', operands: READ },
  hd: { short: 'bcCde:n:os:vx', operands: READ },
  // The second operand is written.
  xxd: { short: 'abc:Cdeg:il:n:o:prR:s:uv', operands: { first: ['read'] } },
  strings: {
    short: 'ade:fn:o?s:t:Tw',
    long: 'all bytes= print-file-name radix= encoding= include-all-whitespace output-separator= help version',
    digits: true,
    operands: READ,
  },
  md5sum: sums,
  sha1sum: sums,
  sha224sum: sums,
  sha256sum: sums,
  sha384sum: sums,
  sha512sum: sums,
  b2sum: { ...sums, short: 'bctwzl:' },
  cksum: { ...sums, short: 'a:bctwzl:' },
  sum: { ...gnu, short: 'rs', long: 'sysv help version', operands: READ },
  date: {
    ...gnu,
    short: 'd:I?r:Ru',
    long: 'date= debug iso-8601=? reference= resolution rfc-email rfc-3339= utc universal uct help version !file !set',
    values: { r: 'look', reference: 'look' },
    operands: { first: [time] },
  },
  cal: {
    short: '13jmsywYn:A:B:h',
    long: 'one three months= sunday monday julian year twelve week=? color=? help version',
    operands: { rest: 'text' },
  },
  sleep: { ...gnu, long: 'help version', operands: { rest: 'count' } },
  uname: {
    ...gnu,
    short: 'amnioprsv',
    long: 'all kernel-name nodename kernel-release kernel-version machine processor hardware-platform operating-system help version',
    operands: NONE,
  },
  arch: { ...gnu, long: 'help version', operands: NONE },
  nproc: { ...gnu, long: 'all ignore= help version', operands: NONE },
  hostname: { short: 'aAdfiIs', long: 'alias all-fqdns domain fqdn long ip-address all-ip-addresses short help version', operands: NONE },
  whoami: { ...gnu, long: 'help version', operands: NONE },
  id: { ...gnu, short: 'agGnruzZ', long: 'context group groups name real user zero help version', operands: { rest: 'text' } },
  groups: { ...gnu, long: 'help version', operands: { rest: 'text' } },
  logname: { ...gnu, long: 'help version', operands: NONE },
  tty: { ...gnu, short: 's', long: 'quiet silent help version', operands: NONE },
  uptime: { short: 'prsVh', long: 'pretty raw since help version', operands: NONE },
  free: {
    short: 'bkmghtlwvVs:c:',
    long: 'bytes kilo mega giga tera human si total lohi wide line committed seconds= count= help version',
    operands: NONE,
  },
  ps: {
    short: 'AadeflFjHLmMNTwyyZcSrxuvVo:O:C:g:G:p:s:t:u:U:k:',
    long: 'pid= ppid= sort= forest no-headers no-heading headers format= user= cols= columns= width= rows= lines= deselect cumulative version',
    values: { o: columns, O: columns, format: columns, sort: columns },
    operands: { first: [letters] },
  },
  which: { short: 'as', long: 'all', operands: { rest: 'text' } },
  lscpu: {
    short: 'abcehJpxyB',
    long: 'all online offline bytes caches=? extended=? json hex physical parse=? help version',
    operands: NONE,
  },
  getconf: { short: 'a', operands: { rest: 'text' } },
  printenv: { short: '0', long: 'null help version', operands: { rest: 'text' } },
};
