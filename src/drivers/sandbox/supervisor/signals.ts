import { constants } from 'node:os';

const NAMES: ReadonlyMap<number, string> = new Map(
  // Aliases (SIGIOT, SIGPOLL) come later in the table than the names people know: the first one stays.
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);

const FIRST_REALTIME = 34;
const LAST_REALTIME = 64;

/** 9 -> "SIGKILL", 36 -> "SIGRTMIN+2". */
export const signalName = (signal: number): string => {
  const name = NAMES.get(signal);
  if (name !== undefined) return name;
  if (signal >= FIRST_REALTIME && signal <= LAST_REALTIME)
    return signal === FIRST_REALTIME ? 'SIGRTMIN' : `SIGRTMIN+${signal - FIRST_REALTIME}`;
  return `SIG${signal}`;
};
