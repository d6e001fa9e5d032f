import type { Operation } from '../../operation.ts';
import type { ProfileServices } from '../profile.ts';

export const shellServerOperations = (_services: ProfileServices, _env: Readonly<Record<string, string | undefined>>): readonly Operation[] => [];
