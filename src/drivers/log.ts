import type { Logger } from 'pino';
import { createLogSink, type LogSink } from './log-sink.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'silent';
type LineLevel = Exclude<LogLevel, 'silent'>;
type Say = (fields: Readonly<Record<string, unknown>>, message: string) => void;

const RANK: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 };
const MAX_WAITING = 1000;

interface Line {
  readonly level: LineLevel;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** What pino would write, for lines of a process that ends before pino is there. */
const plainLine = ({ level, fields, message }: Line): string => {
  const head = { level, time: new Date().toISOString(), pid: process.pid };
  try {
    return `${JSON.stringify({ ...head, ...fields, msg: message })}\n`;
  } catch (error) {
    return `${JSON.stringify({ ...head, msg: message, unwritable: String(error) })}\n`;
  }
};

/**
 * JSON lines on stderr. Costs nothing until the first line is said: the logger itself is loaded then. Whatever was said before the process
 * ends is written before it ends, as far as somebody reads.
 */
export const createLog = (level: LogLevel): Readonly<Record<LineLevel, Say>> => {
  let sink: LogSink | undefined;
  let waiting: Line[] = [];
  let logger: Logger | undefined;
  let loading = false;

  // To ask for process.stderr is what makes a pipe there non-blocking.
  const opened = (): LogSink => (sink ??= createLogSink(process.stderr.fd));

  const load = async (): Promise<void> => {
    const { pino, stdTimeFunctions } = await import('pino');
    logger = pino(
      { level, base: { pid: process.pid }, timestamp: stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
      opened(),
    );
    for (const line of waiting) logger[line.level](line.fields, line.message);
    waiting = [];
  };

  const finish = (): void => {
    opened().finish(waiting.map(plainLine).join(''));
    waiting = [];
  };

  const say = (line: Line): void => {
    if (logger !== undefined) {
      logger[line.level](line.fields, line.message);
      return;
    }
    if (waiting.length < MAX_WAITING) waiting.push(line);
    if (loading) return;
    loading = true;
    process.once('exit', finish);
    load().catch((error: unknown) => {
      waiting.push({ level: 'error', fields: { error: String(error) }, message: 'the logger could not be loaded' });
      finish();
    });
  };

  const at = (lineLevel: LineLevel): Say =>
    RANK[lineLevel] < RANK[level] ? () => undefined : (fields, message) => say({ level: lineLevel, fields, message });

  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};
