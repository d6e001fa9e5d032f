import type { SandboxSpec } from '../../../ports/sandbox.ts';
import { FrameWriter } from './frames.ts';
import { milliseconds } from './messages.ts';
import { PROTOCOL_VERSION } from './protocol.ts';
import type { Secrets } from './secrets.ts';

export interface ConfigurationInput {
  readonly spec: Pick<SandboxSpec, 'id' | 'leaseMs' | 'lifetimeMs' | 'limits'>;
  readonly secrets: Secrets;
  /** Folders, as seen inside, that file operations may touch. */
  readonly roots: readonly string[];
  readonly maxExecutions: number;
  /** Folders, as seen inside, in which executions are told what they changed; in the first, by relative paths. */
  readonly watched: readonly string[];
  /** Writable folders, as seen inside, whose files count for `diskBytes` one by one, and those that are file systems of their own. */
  readonly walked: readonly string[];
  readonly scratch: readonly string[];
}

/** What a supervisor reads from descriptor 6 when it starts. */
export const encodeConfiguration = ({ spec, secrets, roots, maxExecutions, watched, walked, scratch }: ConfigurationInput): Uint8Array =>
  new FrameWriter(512)
    .u16(PROTOCOL_VERSION)
    .bytes(secrets.client)
    .bytes(secrets.supervisor)
    .str(spec.id)
    .list(roots)
    .u32(milliseconds(spec.leaseMs))
    .u32(milliseconds(spec.lifetimeMs))
    .u64(spec.limits.memoryBytes ?? 0)
    .u32(maxExecutions)
    .list(watched)
    .u32(spec.limits.processes ?? 0)
    .u64(spec.limits.diskBytes ?? 0)
    .list(walked)
    .list(scratch)
    .payload();
