import { CorralError } from './errors.ts';
import type { Capabilities, DriverName, SandboxLimits } from './sandbox.ts';

/** What no control group changes. */
const ALWAYS_WATCHED: readonly (keyof SandboxLimits)[] = ['diskBytes'];

export const wantedLimits = (limits: SandboxLimits): readonly (keyof SandboxLimits)[] =>
  (Object.keys(limits) as (keyof SandboxLimits)[]).filter((name) => limits[name] !== undefined);

/** With --require-limits: throws when one of the limits is only watched, since a program can be over it for a moment, or not even that. */
export const requireKept = (driver: DriverName, limits: SandboxLimits, { kept, support }: Pick<Capabilities, 'kept' | 'support'>): void => {
  const missing = wantedLimits(limits).filter((name) => !kept.includes(name));
  if (missing.length === 0) return;
  const why = support.why === undefined ? '' : `: ${support.why}`;
  throw new CorralError(
    'unsupported',
    `Limits are required, and the driver "${driver}" does not keep ${missing.join(', ')} here (class ${support.class}${why}).`,
    {
      hint: missing.every((name) => ALWAYS_WATCHED.includes(name))
        ? 'Put the workspace on a file system with a quota of its own, and leave --disk-bytes out.'
        : `Start it so: ${support.fix ?? '`corral doctor` says what is missing'}. Or leave out ${missing.join(', ')}, or --require-limits.`,
      details: { missing, class: support.class },
    },
  );
};
