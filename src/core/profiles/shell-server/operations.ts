import type { Operation } from '../../operation.ts';
import type { ProfileServices } from '../profile.ts';
import type { Environment } from './allow-list.ts';
import { createBackground } from './background.ts';
import { executeOperation } from './execute.ts';
import { processOperations } from './look.ts';
import { startOperation } from './start.ts';

/** In the order of the original: what its clients see first. */
export const shellServerOperations = (services: ProfileServices, env: Environment): readonly Operation[] => {
  const background = createBackground(services.executions, env);
  return [executeOperation(services, env), startOperation(services, background, env), ...processOperations(services, background)];
};
