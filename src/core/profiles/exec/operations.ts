import type { Operation } from '../../operation.ts';
import { blockOperations } from './block-tools.ts';
import type { ExecDeps } from './deps.ts';
import { executeOperation } from './execute.ts';
import { installedOperation } from './installed.ts';
import { packageOperations } from './package-tools.ts';
import { processOperations } from './process-tools.ts';
import { scriptOperation } from './script.ts';
import { sessionOperations } from './session-tools.ts';
import { syncOperation } from './sync.ts';

/** In the order of the original: what its clients see first. */
export const execOperations = (deps: ExecDeps): readonly Operation[] => [
  executeOperation(deps),
  scriptOperation(deps),
  ...sessionOperations(deps),
  ...processOperations(deps),
  ...blockOperations(deps),
  installedOperation(deps),
  ...packageOperations(deps),
  syncOperation(deps),
];
