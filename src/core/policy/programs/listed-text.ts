import type { OptionList } from './options.ts';

const READ = { rest: 'read' } as const;
const TEXT = { rest: 'text' } as const;
const gnu = { abbreviates: true } as const;
const based = { ...gnu, short: 'diw:', long: 'decode ignore-garbage wrap= help version !output', operands: { first: ['read'] } } as const;

/** Programs that turn text into other text. Whatever of their options names a file to write or a program to start is not on the lists. */
export const LISTED_TEXT: Readonly<Record<string, OptionList>> = {
  sort: {
    ...gnu,
    short: 'bcCdfghik:mMnrRsS:t:uVz',
    long:
      'ignore-leading-blanks check=? dictionary-order ignore-case general-numeric-sort human-numeric-sort ignore-nonprinting key= merge month-sort numeric-sort ' +
      'reverse random-sort random-source= stable buffer-size= field-separator= unique version-sort zero-terminated parallel= batch-size= sort= debug help version ' +
      '!output !temporary-directory !compress-program !files0-from',
    values: { 'random-source': 'read' },
    operands: READ,
  },
  // The second operand is written.
  uniq: {
    ...gnu,
    short: 'cdDf:is:uw:z',
    long: 'count repeated all-repeated=? group=? ignore-case skip-fields= skip-chars= unique check-chars= zero-terminated help version',
    digits: true,
    operands: { first: ['read'] },
  },
  cut: {
    ...gnu,
    short: 'b:c:d:f:nsz',
    long: 'bytes= characters= delimiter= fields= complement only-delimited output-delimiter= zero-terminated help version',
    operands: READ,
  },
  tr: {
    ...gnu,
    short: 'cCdst',
    long: 'complement delete squeeze-repeats truncate-set1 help version',
    operands: { first: ['text', 'text'] },
    stops: true,
  },
  paste: { ...gnu, short: 'd:sz', long: 'delimiters= serial zero-terminated help version', operands: READ },
  join: {
    ...gnu,
    short: 'a:e:ij:o:t:v:1:2:z',
    long: 'ignore-case check-order nocheck-order header zero-terminated help version',
    operands: READ,
  },
  comm: { ...gnu, short: '123z', long: 'check-order nocheck-order output-delimiter= total zero-terminated help version', operands: READ },
  fold: { ...gnu, short: 'bcsw:', long: 'bytes characters spaces width= help version', digits: true, operands: READ },
  fmt: {
    ...gnu,
    short: 'cg:p:stuw:',
    long: 'crown-margin goal= prefix= split-only tagged-paragraph uniform-spacing width= help version',
    digits: true,
    operands: READ,
  },
  pr: {
    ...gnu,
    short: 'acdD:e?fFh:i?Jl:mn?N:o:rs?S?tTvw:W:',
    long: 'columns= across show-control-chars double-space date-format= header= join-lines length= merge number-lines=? indent= no-file-warnings omit-header omit-pagination show-nonprinting width= page-width= pages= form-feed first-line-number= expand-tabs=? output-tabs=? separator=? sep-string=? help version',
    digits: true,
    operands: READ,
  },
  expand: { ...gnu, short: 'it:', long: 'initial tabs= help version', digits: true, operands: READ },
  unexpand: { ...gnu, short: 'at:', long: 'all first-only tabs= help version', operands: READ },
  column: {
    short: 'Jd:o:s:tN:T:R:E:O:H:l:c:nexW:iL',
    long:
      'json table table-name= table-order= table-columns= table-columns-limit= table-noextreme= table-noheadings table-maxout table-header-repeat table-hide= ' +
      'table-right= table-truncate= table-wrap= table-empty-lines keep-empty-lines output-separator= separator= output-width= fillrows help version tree= tree-id= tree-parent=',
    operands: READ,
  },
  shuf: {
    ...gnu,
    short: 'ei:n:rz',
    long: 'echo input-range= head-count= repeat zero-terminated random-source= help version !output',
    values: { 'random-source': 'read' },
    operands: READ,
  },
  tsort: { ...gnu, long: 'help version', operands: READ },
  numfmt: {
    ...gnu,
    short: 'd:z',
    long: 'debug delimiter= field= format= from= from-unit= grouping header=? invalid= padding= round= suffix= to= to-unit= zero-terminated help version',
    operands: TEXT,
  },
  base64: based,
  base32: based,
  basenc: { ...based, long: `${based.long} base64 base64url base32 base32hex base16 base2msbf base2lsbf z85` },
  seq: {
    ...gnu,
    short: 'f:s:w0123456789',
    long: 'format= separator= equal-width help version',
    stops: true,
    operands: { first: ['count', 'count', 'count'] },
  },
  factor: { ...gnu, short: 'h', long: 'exponents help version', operands: TEXT },
  diff: {
    ...gnu,
    short: 'abBcC:dD:eEF:hiI:L:nNpPqrsS:tTuU:vwW:x:X:yZ',
    long:
      'normal brief report-identical-files context=? unified=? ed rcs side-by-side width= left-column suppress-common-lines show-c-function show-function-line= label= ' +
      'expand-tabs initial-tab tabsize= suppress-blank-empty recursive no-dereference new-file unidirectional-new-file ignore-file-name-case ' +
      'no-ignore-file-name-case exclude= exclude-from= starting-file= from-file= to-file= ignore-case ignore-tab-expansion ignore-trailing-space ' +
      'ignore-space-change ignore-all-space ignore-blank-lines ignore-matching-lines= text strip-trailing-cr ifdef= line-format= old-line-format= new-line-format= ' +
      'unchanged-line-format= old-group-format= new-group-format= unchanged-group-format= changed-group-format= minimal horizon-lines= speed-large-files color=? ' +
      'palette= help version !paginate !output',
    values: { X: 'read', 'exclude-from': 'read', 'from-file': 'read', 'to-file': 'read' },
    digits: true,
    operands: READ,
  },
  diff3: {
    ...gnu,
    short: '3aAeEiL:mTxX',
    long: 'show-all ed show-overlap easy-only merge text strip-trailing-cr initial-tab label= help version !diff-program',
    operands: READ,
  },
  cmp: {
    ...gnu,
    short: 'bi:ln:s',
    long: 'print-bytes ignore-initial= verbose bytes= quiet silent help version',
    operands: { first: ['read', 'read', 'text', 'text'] },
  },
  look: { short: 'adft:b', operands: { first: ['text'], rest: 'read' } },
  grep: grepLike(),
  egrep: grepLike(),
  fgrep: grepLike(),
  rg: {
    short: 'A:B:C:ac0e:E:Ff:g:hHiIj:lLm:M:nNoPqr:sSt:T:uUvwxpd:',
    long:
      'after-context= before-context= context= text count count-matches null null-data regexp= encoding= fixed-strings no-fixed-strings file= glob= iglob= no-filename ' +
      'with-filename ignore-case threads= files-with-matches files-without-match max-count= max-columns= line-number no-line-number only-matching pcre2 quiet replace= ' +
      'no-messages smart-case type= type-not= type-list unrestricted multiline multiline-dotall invert-match word-regexp line-regexp pretty max-depth= maxdepth= hidden ' +
      'no-hidden no-ignore no-ignore-vcs no-ignore-parent no-ignore-global no-ignore-dot no-ignore-exclude no-ignore-files no-config files sort= sortr= color= colors= ' +
      'column no-column crlf heading no-heading json stats trim passthru passthrough vimgrep no-unicode line-buffered block-buffered max-filesize= byte-offset ' +
      'case-sensitive context-separator= field-match-separator= path-separator= follow one-file-system no-messages debug trace dfa-size-limit= regex-size-limit= ' +
      'engine= auto-hybrid-regex mmap no-mmap binary no-binary glob-case-insensitive include-zero type-add= max-columns-preview ignore-file= no-require-git stop-on-nonmatch ' +
      'version pcre2-version help',
    values: { f: 'read', file: 'read', 'ignore-file': 'read' },
    operands: (seen) =>
      seen.has('files') || seen.has('type-list') || seen.has('e') || seen.has('regexp') || seen.has('f') || seen.has('file')
        ? READ
        : { first: ['text'], rest: 'read' },
  },
  ag: {
    short: 'A?B?C?acDfFgG:hHiIlLm:noQrRsStuUvVwW:0',
    long:
      'after=? before=? context=? ackmate all-text all-types count column noheading heading nobreak break nocolor color nofilename filename numbers nonumbers literal ' +
      'fixed-strings files-with-matches files-without-matches follow hidden ignore= ignore-dir= ignore-case case-sensitive smart-case invert-match word-regexp max-count= ' +
      'only-matching parallel print-all-files print-long-lines silent stats stats-only unrestricted vimgrep width= depth= file-search-regex= skip-vcs-ignores null search-binary help version',
    operands: { first: ['text'], rest: 'read' },
  },
  ack: {
    short: 'A:B:C:cfghHiIlLm:noQRrsSvwx1',
    long: 'after-context= before-context= context=? count literal ignore-case smart-case invert-match word-regexp files-with-matches files-without-matches no-filename with-filename max-count= nocolor color nogroup group noheading heading nobreak break type= column noenv',
    operands: { first: ['text'], rest: 'read' },
  },
};

function grepLike(): OptionList {
  return {
    ...gnu,
    short: 'A:abB:cC:d:D:e:Ef:FGhHiIlLm:noPqrRsTuUvVwxyzZ',
    long:
      'after-context= text byte-offset before-context= count context= color=? colour=? directories= devices= regexp= extended-regexp file= fixed-strings ' +
      'basic-regexp no-filename with-filename ignore-case no-ignore-case files-without-match files-with-matches max-count= line-number only-matching perl-regexp ' +
      'quiet silent recursive dereference-recursive no-messages initial-tab binary binary-files= unix-byte-offsets invert-match word-regexp line-regexp null ' +
      'null-data include= exclude= exclude-from= exclude-dir= label= line-buffered group-separator= no-group-separator help version',
    values: { f: 'read', file: 'read', 'exclude-from': 'read' },
    digits: true,
    operands: (seen) =>
      seen.has('e') || seen.has('regexp') || seen.has('f') || seen.has('file') ? READ : { first: ['text'], rest: 'read' },
  };
}
