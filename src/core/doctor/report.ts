export type CheckStatus = 'ok' | 'warn' | 'fail' | 'skipped';

export interface CheckResult {
  readonly id: string;
  readonly title: string;
  readonly status: CheckStatus;
  /** What is here, one sentence. */
  readonly found: string;
  /** The command or setting that mends it. */
  readonly fix?: string | undefined;
}

/** One kind of escape, really attempted from inside a sandbox made as any other. */
export interface ProbeResult {
  readonly id: string;
  readonly title: string;
  /** Names of the attacks. */
  readonly tried: readonly string[];
  readonly expected: string;
  readonly seen: string;
  /** `unproven`: some attack could not be made here, and none of the others succeeded. Never counts as held. */
  readonly held: 'yes' | 'no' | 'unproven';
}

export interface DoctorReport {
  readonly version: string;
  /** `fail`: something is missing or an escape succeeded. `warn`: something is weaker than it could be, or was not proven. */
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly checks: readonly CheckResult[];
  readonly probes: readonly ProbeResult[];
  /** Every limit, really run into. `no`: nothing stopped it. */
  readonly limits: readonly ProbeResult[];
}

export const verdictOf = (checks: readonly CheckResult[], probes: readonly ProbeResult[]): DoctorReport['verdict'] => {
  if (checks.some(({ status }) => status === 'fail') || probes.some(({ held }) => held === 'no')) return 'fail';
  if (checks.some(({ status }) => status === 'warn') || probes.some(({ held }) => held === 'unproven')) return 'warn';
  return 'ok';
};
