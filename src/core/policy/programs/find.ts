import type { Kind, OptionList } from './options.ts';
import { objection, type Arg, type Check } from './program.ts';

/** Tests and actions of find by how many words they take; what starts programs, deletes or writes is not among them. */
const NONE =
  '-a -and -o -or -not ! ( ) , -daystart -depth -d -follow -ignore_readdir_race -noignore_readdir_race -mount -xdev -noleaf -nowarn -warn -empty -executable ' +
  '-false -true -nogroup -nouser -readable -writable -print -print0 -prune -quit -ls -help -version --help --version';
const ONE =
  '-amin -atime -cmin -ctime -fstype -gid -group -ilname -iname -inum -ipath -iregex -iwholename -links -lname -maxdepth -mindepth -mmin -mtime -name -path -perm ' +
  '-regex -regextype -samefile -size -type -uid -used -user -wholename -xtype -context -printf -newer -anewer -cnewer';

const ARITY: ReadonlyMap<string, number> = new Map([
  ...NONE.split(' ').map((name) => [name, 0] as const),
  ...ONE.split(' ').map((name) => [name, 1] as const),
]);
const NEWER = /^-newer[aBcm][aBcmt]$/;

/** Starting points and their content are only looked at: names, sizes, times. */
export const checkFind: Check = (args) => {
  let index = 0;
  for (; index < args.length; index += 1) {
    const arg = args[index];
    if (arg === undefined) break;
    if (/^-(?:[HLP]|O[0-3])$/.test(arg.text) && arg.fixed) continue;
    if (arg.head.startsWith('-') || (arg.fixed && /^[!(),]$/.test(arg.text))) break;
  }
  for (; index < args.length; index += 1) {
    const arg = args[index];
    if (arg === undefined) break;
    // Matches never begin with a dash, so they cannot become an action.
    if (!arg.fixed && !arg.head.startsWith('-')) continue;
    const arity = arg.fixed ? (NEWER.test(arg.text) ? 1 : ARITY.get(arg.text)) : undefined;
    if (arity === undefined) return objection(`find ${arg.text}`, `${arg.text} is not on the list of what find may be given`, index);
    index += arity;
    const value = args[index];
    if (arity > 0 && value === undefined) return objection(`find ${arg.text}`, `${arg.text} needs a value`, index - 1);
    // An unquoted pattern becomes several words, and the second would be read as a test.
    if (arity > 0 && value?.fixed === false && value.head.startsWith('-'))
      return objection('a pattern as a value', 'an unquoted pattern stands here; quote it', index);
  }
  return undefined;
};

/** Does everything that this find prints begin as one of its starting points does, each ended by NUL, and beneath the folder it runs in? */
export const printsNamesBeneath = (args: readonly Arg[]): boolean => {
  if (!args.some(({ text }) => text === '-print0')) return false;
  if (args.some(({ text, fixed }) => !fixed || /^-(?:printf|print|ls|follow|[HL])$/.test(text))) return false;
  const points = args.filter(({ text }) => !/^-(?:P|O[0-3])$/.test(text));
  const end = points.findIndex(({ text }) => text.startsWith('-') || /^[!(),]$/.test(text));
  return points.slice(0, end).every(({ text }) => !text.startsWith('/') && !text.split('/').includes('..'));
};

const look: Kind = 'look';

/** fd runs programs with -x and -X only, and those are not here. */
export const FD: OptionList = {
  short: '01HIuUsigFapLd:t:e:S:E:o:lc:j:q',
  long:
    'hidden no-hidden no-ignore ignore no-ignore-vcs ignore-vcs no-ignore-parent no-global-ignore-file unrestricted case-sensitive ignore-case glob regex fixed-strings ' +
    'absolute-path list-details follow no-follow full-path print0 max-depth= min-depth= exact-depth= exclude= prune type= extension= size= changed-within= ' +
    'changed-before= owner= color= threads= max-results= quiet show-errors strip-cwd-prefix one-file-system path-separator= search-path= and= max-one-result has-results version help',
  values: { 'search-path': look },
  operands: { first: ['text'], rest: 'look' },
};
