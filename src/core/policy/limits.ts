/** Bounds of what is looked at. Passing one denies; nothing beyond a bound is ever let through unread. */
export const POLICY_LIMITS = {
  /** UTF-8 bytes of shell text. */
  shellBytes: 64 * 1024,
  /** UTF-8 bytes of one argument: the kernel takes less than 128 KiB, its NUL included. */
  argumentBytes: 128 * 1024 - 1,
  argumentCount: 8192,
  /** UTF-8 bytes of all arguments together. */
  argvBytes: 1024 * 1024,
  /** Commands that shell text may hold, loops unrolled. */
  commands: 256,
  /** Programs in one pipeline. */
  stages: 32,
  /** Words of shell text, loops unrolled. */
  words: 8192,
  redirections: 16,
  /** Nested `for`. */
  loops: 4,
  /** Wrappers around wrappers. */
  wrappers: 8,
  /** Directories that `cd` may have led to. */
  directories: 8,
  envVariables: 256,
  paths: 1024,
  packages: 1024,
  /** UTF-8 bytes of a path. */
  pathBytes: 4096,
  /** Rules in a file, names in a list. */
  rules: 1000,
  names: 1000,
} as const;
