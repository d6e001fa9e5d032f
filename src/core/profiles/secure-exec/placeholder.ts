/** What the name of a placeholder says about its values. */
export interface PlaceholderKind {
  /** `path`, `file`, `dir`, `filepath`: checked whenever paths are. */
  readonly path: boolean;
  /** Named like a path otherwise (`log_file`, `target_dir`): checked where the operator set a base. */
  readonly pathLike: boolean;
  /** `*_flag`, `*_opt`: may begin with a dash. */
  readonly flag: boolean;
  readonly regex: boolean;
}

const PATH = /^(?:path|file|dir|filepath)$/i;
const PATH_LIKE = /^(?:.*_)?(?:path|file|dir|filepath|filename|directory|folder)$/i;
const FLAG = /_(?:flag|opt)$/i;
const REGEX = /^(?:.*_)?(?:regex|regexp|pattern)$/i;

export const kindOf = (name: string): PlaceholderKind => {
  const flag = FLAG.test(name);
  return { path: !flag && PATH.test(name), pathLike: !flag && PATH_LIKE.test(name), flag, regex: REGEX.test(name) };
};

/** What a client reads of the parameter. */
export const describePlaceholder = (name: string): string =>
  kindOf(name).regex ? `Regex pattern for {${name}} (regex metacharacters allowed)` : `Value for {${name}}`;
