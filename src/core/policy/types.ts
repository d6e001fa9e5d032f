import type { Effect } from '../effect.ts';
import type { DriverName, NetworkMode } from '../../ports/sandbox.ts';
import type { ShellPlan } from './shell/plan.ts';

export const VERDICTS = ['allow', 'ask', 'deny'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Something that was not understood or is not wanted. `at` is a UTF-16 offset into shell text, or the index of an argv word. */
export interface Refusal {
  readonly ok: false;
  /** What it is called: "command substitution", "option -exec". */
  readonly construct: string;
  readonly reason: string;
  readonly at: number;
}

export interface PolicyRequest {
  readonly caller?: string | undefined;
  /** `noun.verb`; absent = `command.execute`. */
  readonly operation?: string | undefined;
  readonly effect?: Effect | undefined;
  /** Exactly one of `argv` and `shell` when the operation is `command.execute`, none otherwise. */
  readonly argv?: readonly string[] | undefined;
  readonly shell?: string | undefined;
  /** Absolute, or relative to the first workspace. */
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Files that the operation names itself. */
  readonly paths?: readonly string[] | undefined;
  /** `manager:name`, such as `pip:requests`. */
  readonly packages?: readonly string[] | undefined;
  readonly sandbox?: { readonly driver?: DriverName | undefined; readonly network?: NetworkMode | undefined } | undefined;
}

/** The most that a decision grants; times in seconds, sizes in bytes. An absent field sets no bound of its own. */
export interface Caps {
  readonly timeoutSeconds?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly processes?: number | undefined;
  readonly outputBytes?: number | undefined;
  readonly network?: NetworkMode | undefined;
}

/** What Corral puts around a program so that it does not read commands from elsewhere. */
export interface Hardening {
  /** Inserted right after argv[0]. */
  readonly insert: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A program that the request would start: the leader of a stage, or what a wrapper starts. */
export interface ProgramUse {
  readonly name: string;
  /** What is executed; absent when no trusted folder has it, and then starting it fails. */
  readonly path?: string | undefined;
  /** As asked for; a glob or `~` stands as written. */
  readonly argv: readonly string[];
  /** The rule that decided this program. */
  readonly rule: string;
  readonly hardening?: Hardening | undefined;
}

export interface Decision {
  readonly verdict: Verdict;
  /** Id of the deciding rule; `default`, `invalid`, `grammar` and `internal` are the engine's own. */
  readonly rule: string;
  readonly reason: string;
  readonly caps: Caps;
  /** For accepted shell text that Corral executes itself. */
  readonly plan?: ShellPlan | undefined;
  /** Shell text that goes unread to a real shell, because a rule says `shell: real`. */
  readonly realShell?: true | undefined;
  readonly programs: readonly ProgramUse[];
  /** Where the refused thing stands. */
  readonly at?: number | undefined;
}
