import type { App } from '../../core/app.ts';
import { INSTRUCTIONS } from '../../core/catalogue.ts';
import type { Operation, Presented } from '../../core/operation.ts';
import type { ProfileHttp } from '../../core/profiles/profile.ts';
import type { TasksOptions } from '../mcp/tasks.ts';

/** What clients meet: Corral itself, or the servers that it stands in for. */
export interface Served {
  /** Of the profiles; none = Corral itself. */
  readonly profiles: readonly string[];
  info(app: App): { readonly name: string; readonly version: string; readonly title: string };
  readonly instructions: string;
  operations(app: App): readonly Operation[];
  readonly unknownTool?: ((name: string) => Presented) | undefined;
  readonly http?: ProfileHttp | undefined;
  /** Absent where the tools are those of a server that knew no tasks. */
  tasks?(app: App): TasksOptions;
}

export const CORRAL: Served = {
  profiles: [],
  info: ({ version }) => ({ name: 'corral', version, title: 'Corral' }),
  instructions: INSTRUCTIONS,
  operations: ({ operations }) => operations,
  tasks: ({ continuation, requestStateKey }) => ({ ...continuation, key: requestStateKey }),
};
