import { OUTCOME_KINDS } from '../../../ports/sandbox.ts';
import type { Exit, OutcomeKind } from '../../../ports/sandbox.ts';
import { decodeChanges } from './changes.ts';
import { ProtocolViolation } from './frames.ts';
import type { FrameReader } from './frames.ts';
import { EXECUTION_ID, EXIT_UNFILED, MAX_PORTS, MAX_UNFILED_BYTES, PROTOCOL_VERSION } from './protocol.ts';
import { signalName } from './signals.ts';

const ABSENT = -1;

export const executionId = (from: FrameReader): string => {
  const id = from.str();
  if (!EXECUTION_ID.test(id)) throw new ProtocolViolation('an execution id with forbidden characters');
  return id;
};

const outcomeKind = (number: number): OutcomeKind => {
  const kind = OUTCOME_KINDS[number - 1];
  if (kind === undefined) throw new ProtocolViolation(`unknown kind of ending ${number}`);
  return kind;
};

export const decodePorts = (from: FrameReader): readonly number[] => {
  const count = from.u16();
  if (count > MAX_PORTS) throw new ProtocolViolation(`${count} ports of one execution`);
  return Array.from({ length: count }, () => from.u16());
};

/** What version 2 added. */
const decodeReceipt = (from: FrameReader) => {
  const io = { readBytes: from.u64(), writtenBytes: from.u64(), voluntarySwitches: from.u64(), involuntarySwitches: from.u64() };
  const peakProcesses = from.u32();
  const ports = decodePorts(from);
  const changes = decodeChanges(from.blob());
  return { usage: { ...io, ...(peakProcesses > 0 && { peakProcesses }) }, ports, changes };
};

/** The payload of EXIT as a supervisor of that version writes it. */
export const decodeExit = (from: FrameReader, version: number = PROTOCOL_VERSION): Exit => {
  const execution = executionId(from);
  const step = from.u8();
  const kind = outcomeKind(from.u8());
  const code = from.i32();
  const signal = from.i32();
  const startedMs = from.u64();
  const durationMs = from.u64() / 1000;
  const usage = { userUs: from.u64(), systemUs: from.u64(), maxRssBytes: from.u64() };
  const outBytes = from.u64();
  const errBytes = from.u64();
  const outLines = from.u64();
  const errLines = from.u64();
  const background = from.u32();
  const unfiled = (from.u8() & EXIT_UNFILED) !== 0; // bit 0, closed: the CLOSED event says it again
  const receipt = version >= 2 ? decodeReceipt(from) : undefined;
  const out = from.blob();
  const err = from.blob();
  const message = from.str();
  if (unfiled && outBytes + errBytes > MAX_UNFILED_BYTES) throw new ProtocolViolation('more output without a file than is allowed');
  return {
    execution,
    outcome: {
      kind,
      ...(code !== ABSENT && { code }),
      ...(signal !== ABSENT && { signal: signalName(signal) }),
    },
    step,
    startedMs,
    durationMs,
    usage: { ...usage, ...receipt?.usage },
    ...(receipt !== undefined && receipt.ports.length > 0 && { ports: receipt.ports }),
    ...(receipt?.changes !== undefined && { changes: receipt.changes }),
    stdout: { bytes: outBytes, newlines: outLines },
    stderr: { bytes: errBytes, newlines: errLines },
    background,
    ...(out.length === outBytes && err.length === errBytes && { inline: { stdout: out, stderr: err } }),
    ...(unfiled && { unfiled }),
    ...(message !== '' && { message }),
  };
};
