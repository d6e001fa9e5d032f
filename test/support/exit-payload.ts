import { FrameWriter } from '../../src/drivers/sandbox/supervisor/frames.ts';

export interface ExitFields {
  readonly kind?: number;
  readonly code?: number;
  /** start_ms, duration_us, user_us, system_us, maxrss, out_bytes, err_bytes, out_newlines, err_newlines */
  readonly numbers?: readonly number[];
  readonly flags?: number;
  /** read_bytes, written_bytes, voluntary, involuntary; version 2. */
  readonly io?: readonly number[];
  readonly peakProcesses?: number;
  readonly ports?: readonly number[];
  readonly changes?: Uint8Array;
  readonly out?: Uint8Array;
}

/** An EXIT payload as a supervisor of that version writes it. */
export const exitPayload = (execution: string, fields: ExitFields = {}, version = 2): Buffer => {
  const { kind = 1, code = 0, numbers = Array.from({ length: 9 }, () => 0), flags = 1, out = new Uint8Array() } = fields;
  const to = new FrameWriter().str(execution).u8(0).u8(kind).i32(code).i32(-1);
  for (const value of numbers) to.u64(value);
  to.u32(0).u8(flags);
  if (version >= 2) {
    const { io = [0, 0, 0, 0], peakProcesses = 0, ports = [], changes = new Uint8Array() } = fields;
    for (const value of io) to.u64(value);
    to.u32(peakProcesses).u16(ports.length);
    for (const port of ports) to.u16(port);
    to.str(changes);
  }
  return to.str(out).str('').str('').payload();
};
