import type { Config, ConfigKey } from '../config/schema.ts';
import type { Executions } from '../executions/types.ts';
import type { Log } from '../log.ts';
import type { Operation, Presented } from '../operation.ts';
import type { BlockList } from '../policy/block-list.ts';
import type { LogStore } from '../../ports/logs.ts';
import type { Sandboxes } from '../sandboxes/types.ts';

/** What a profile's operations are made of: the same services as Corral's own. Usable once the services are open. */
export interface ProfileServices {
  readonly executions: Executions;
  readonly sandboxes: Sandboxes;
  readonly logs: LogStore;
  readonly log: Log;
  /** Shared by all servers of the state folder, and by rules. */
  readonly blockList: BlockList;
  readonly config: Config;
}

export interface ProfileInput {
  /** Everything after `--profile NAME` that is not an option of Corral's own. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly version: string;
}

/** How the HTTP face differs from Corral's own, where clients of the profile depend on it. */
export interface ProfileHttp {
  /** Paths at which MCP answers; "*" = all but /health. */
  readonly paths: readonly string[];
  /** Body of GET /health as plain text, instead of JSON. */
  readonly health?: string;
  /** The token is asked for at /health too. */
  readonly guardedHealth?: boolean;
  /** Token in the place of Corral's own; may be shorter than Corral would take. */
  readonly token?: string;
  /** The header has to be exactly `Bearer TOKEN`; without it the answer is 401 and has no body. */
  readonly bareUnauthorized?: boolean;
  /** With a token, pages of any origin may call; these headers are theirs to read. Without one nobody's page may: it would act for whoever visits it. */
  readonly cors?: readonly string[];
  /** Clients of eras before 2026 are served request by request, without a session. */
  readonly stateless?: boolean;
}

/** Either an answer for the terminal and the end (help, dry run, wrong configuration), or something to serve. */
export type ProfilePlan =
  | { readonly kind: 'exit'; readonly code: number; readonly stdout: string; readonly stderr: string }
  | {
      readonly kind: 'serve';
      readonly transport: 'stdio' | 'http';
      /** What the profile's own flags and variables say: laid over Corral's own configuration, below its flags. */
      readonly config: Readonly<Partial<Record<ConfigKey, unknown>>>;
      /** What the profile takes for granted, such as driver "host": in the place of Corral's own defaults, so that a file, CORRAL_ variables and flags change it. */
      readonly defaults?: Readonly<Partial<Record<ConfigKey, unknown>>>;
      readonly info: { readonly name: string; readonly version: string; readonly title: string };
      readonly instructions: string;
      operations(services: ProfileServices): readonly Operation[];
      /** Answer to the call of a tool that is not there; absent = the protocol's own error. */
      unknownTool?(name: string): Presented;
      readonly http?: ProfileHttp;
    };

/** A drop-in for another server: its tool names, arguments, texts, flags and variables, as a projection onto Corral. */
export interface Profile {
  readonly name: string;
  /** One line for --help. */
  readonly summary: string;
  /** Long options, without dashes, that Corral has too and that mean the profile's own after `--profile NAME`: they reach `prepare`. */
  readonly claims?: readonly string[];
  prepare(input: ProfileInput): Promise<ProfilePlan>;
}
