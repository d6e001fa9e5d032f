/** Sole way to a stdout that carries protocol and nothing else. */
export interface GuardedStdout extends Disposable {
  /** The stream, for its size and its events. */
  readonly stream: NodeJS.WriteStream;
  /** `done` is called when the text has left this process, or with the reason why it cannot. False: wait for `drain`. */
  write(text: string, done: (error?: Error | null) => void): boolean;
}

/**
 * Takes stdout for the protocol. Whatever else writes to it from now on (console.log, a library's banner) lands on stderr, where it can
 * break nothing. Disposing gives stdout back.
 */
export const guardStdout = (): GuardedStdout => {
  const { stdout, stderr } = process;
  const original = stdout.write;
  const write = original.bind(stdout) as (text: string, done: (error?: Error | null) => void) => boolean;
  stdout.write = stderr.write.bind(stderr);
  return {
    stream: stdout,
    write,
    [Symbol.dispose]: () => {
      stdout.write = original;
    },
  };
};
