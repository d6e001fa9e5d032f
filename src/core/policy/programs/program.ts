import type { Hardening } from '../types.ts';

/** Longest script in an argument that is read, in characters. */
export const SCRIPT_LENGTH = 32_768;

/** An argument as the policy sees it: a word with a glob is known only up to its first pattern character. */
export interface Arg {
  /** A glob as its pattern. */
  readonly text: string;
  /** Known byte for byte. */
  readonly fixed: boolean;
  /** What it begins with for certain; all of it when fixed. */
  readonly head: string;
}

/** What is wrong with the arguments. */
export interface Objection {
  /** "option -exec", "the file /etc/shadow" */
  readonly construct: string;
  readonly reason: string;
  /** Index into the arguments, the name of the program not counted. */
  readonly at: number;
}

export interface CheckContext {
  /** Why this path is not to be read, or undefined when it lies beneath the roots. */
  readonly outside: (path: string) => string | undefined;
  /** Remembers that the matches of this argument have to lie beneath the roots. */
  readonly contain: (index: number) => void;
}

export type Check = (args: readonly Arg[], context: CheckContext) => Objection | undefined;

/** Where the command that a wrapper starts begins; `unknown` says what may be appended to it. */
export type Unwrapped = { readonly start: number; readonly appended: boolean } | { readonly start: undefined } | Objection;

export type ProgramClass =
  /** Has a positive option list: what is not on it is refused. */
  | { readonly kind: 'listed'; readonly check: Check; readonly takesAnything?: boolean; readonly hardening?: Hardening }
  /** Starts another program, which is decided in its turn. */
  | { readonly kind: 'wrapper'; readonly unwrap: (args: readonly Arg[], context: CheckContext) => Unwrapped }
  /** Runs code or writes where it likes: needs a grant. `harmless` are the uses that need none. */
  | { readonly kind: 'unsafe'; readonly why: string; readonly harmless?: Check };

export const literalArg = (text: string): Arg => ({ text, fixed: true, head: text });

export const objection = (construct: string, reason: string, at: number): Objection => ({ construct, reason, at });
