/** What the process ends with. `corral run` ends with the code of its program otherwise. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  timedOut: 124,
  notRun: 125,
  /** Added to the number of a signal. */
  signalBase: 128,
  interrupted: 130,
  brokenPipe: 141,
} as const;
