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
}

/** What a supervisor reads from descriptor 6 when it starts. */
export const encodeConfiguration = ({ spec, secrets, roots, maxExecutions, watched }: ConfigurationInput): Uint8Array =>
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
    .payload();
