import type { Operation } from '../../operation.ts';
import type { ProfileServices } from '../profile.ts';
import type { Environment } from './allow-list.ts';
import { executeOperation } from './execute.ts';

/** In the order of the original: what its clients see first. */
export const shellServerOperations = (services: ProfileServices, env: Environment): readonly Operation[] => [executeOperation(services, env)];
