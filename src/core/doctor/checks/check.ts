import type { CheckResult } from '../report.ts';
import type { DoctorDeps } from '../deps.ts';

export interface Check {
  readonly id: string;
  readonly title: string;
  run(deps: DoctorDeps, signal?: AbortSignal): Promise<Pick<CheckResult, 'status' | 'found' | 'fix'>>;
}

export const ok = (found: string) => ({ status: 'ok', found }) as const;
export const warn = (found: string, fix?: string) => ({ status: 'warn', found, fix }) as const;
export const fail = (found: string, fix?: string) => ({ status: 'fail', found, fix }) as const;
export const skipped = (found: string) => ({ status: 'skipped', found }) as const;
