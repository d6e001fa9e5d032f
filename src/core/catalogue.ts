import { type EnvironmentOperationsDeps, environmentOperations } from './environment/operations.ts';
import { type ExecutionOperationsDeps, executionOperations } from './executions/operations.ts';
import { type FileOperationsDeps, fileOperations } from './files/operations.ts';
import { type LanguageOperationsDeps, languageOperations } from './languages/operations.ts';
import type { Operation } from './operation.ts';
import { outputOperations } from './output/operations.ts';
import { type PackageOperationsDeps, packageOperations } from './packages/operations.ts';
import type { BlockList } from './policy/block-list.ts';
import { blockListOperations } from './policy/operations.ts';
import { sandboxOperations } from './sandboxes/operations.ts';

export type CatalogueDeps = ExecutionOperationsDeps &
  LanguageOperationsDeps &
  FileOperationsDeps &
  EnvironmentOperationsDeps &
  PackageOperationsDeps & {
    /** While rules are in force. */
    readonly blockList?: BlockList | undefined;
  };

/** Every operation there is, in the order in which a model should meet them. The faces iterate over it. */
export const createCatalogue = (deps: CatalogueDeps): readonly Operation[] => {
  const executions = executionOperations(deps);
  const [execute, ...others] = executions;
  return [
    ...(execute === undefined ? [] : [execute]),
    ...languageOperations(deps),
    ...others.slice(0, 1),
    ...outputOperations(deps),
    ...others.slice(1),
    ...fileOperations(deps),
    ...sandboxOperations(deps.sandboxes),
    ...packageOperations(deps),
    ...environmentOperations(deps),
    ...(deps.blockList === undefined ? [] : blockListOperations(deps.blockList)),
  ];
};

/** What a client tells its model about the whole server. */
export const INSTRUCTIONS =
  'Corral runs commands and code in a sandbox on this machine. Calls share one sandbox: files, processes and 127.0.0.1 last from call to call. ' +
  'A call whose program runs longer answers with status "running" and an execution_id; use wait instead of calling again and again. ' +
  'outcome says how a program ended; a non-zero code is a result, an error object means Corral could not run it and its hint says what to do. ' +
  'All output is kept: read_output pages, greps and tails it. There is no network inside unless describe_environment says so.';
