import type { MetricSource } from '../../ports/sandbox.ts';
import type { LiveSandbox } from './types.ts';

/** Who keeps the limits of a whole sandbox: see `LimitSupport`. */
export const CLASS_OF: Readonly<Record<MetricSource, 'A' | 'B' | 'C'>> = { cgroup2: 'A', cgroup1: 'B', proc: 'C' };

/** Of this sandbox, by the control group it was seen to be in: "B, cgroup1". */
export const keptBy = ({ sandbox }: Pick<LiveSandbox, 'sandbox'>): string => {
  const source = sandbox.isolation?.group ?? 'proc';
  return `${CLASS_OF[source]}, ${source}`;
};
