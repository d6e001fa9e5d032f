import { METRIC_SOURCES } from '../../../ports/sandbox.ts';
import type { Activity, InputWait } from '../../../ports/sandbox.ts';
import { decodePorts, executionId } from './exit.ts';
import { ProtocolViolation } from './frames.ts';
import type { FrameReader } from './frames.ts';

const NOT_WAITING = 0;
const WAITING = 1;
const UNKNOWN = 2;
/** The kernel keeps 15 bytes of a program's name; they may be any. */
const MAX_NAME = 64;

const decodeWait = (from: FrameReader): InputWait | 'unknown' | undefined => {
  const state = from.u8();
  if (state === NOT_WAITING) return undefined;
  if (state === UNKNOWN) return 'unknown';
  if (state !== WAITING) throw new ProtocolViolation(`an unknown state of input ${state}`);
  const [pid, on, hidden, forMs, program] = [from.u32(), from.u8(), from.u8() === 1, from.u32(), from.str()];
  if (on !== 1 && on !== 2) throw new ProtocolViolation(`an unknown kind of input ${on}`);
  return {
    pid,
    program: program.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').slice(0, MAX_NAME),
    on: on === 1 ? 'pipe' : 'terminal',
    hidden,
    forMs,
  };
};

/** The payload of INSPECT's reply. */
export const decodeActivity = (from: FrameReader): Activity => {
  const wait = decodeWait(from);
  const number = from.u8();
  const source = METRIC_SOURCES[number - 1];
  if (source === undefined) throw new ProtocolViolation(`an unknown source of figures ${number}`);
  return {
    ...(wait === 'unknown' ? { inputUnknown: true } : wait !== undefined && { inputWait: wait }),
    metrics: {
      source,
      userUs: from.u64(),
      systemUs: from.u64(),
      rssBytes: from.u64(),
      peakRssBytes: from.u64(),
      readBytes: from.u64(),
      writtenBytes: from.u64(),
      voluntarySwitches: from.u64(),
      involuntarySwitches: from.u64(),
      processes: from.u32(),
      peakProcesses: from.u32(),
      ports: decodePorts(from),
    },
  };
};

/** The payload of the event INPUT_WAIT. */
export const decodeInputWait = (from: FrameReader): { readonly execution: string; readonly wait: InputWait | undefined } => {
  const execution = executionId(from);
  const wait = decodeWait(from);
  return { execution, wait: wait === 'unknown' ? undefined : wait };
};
