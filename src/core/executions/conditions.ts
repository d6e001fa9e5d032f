import type { LogRef } from '../../ports/logs.ts';
import type { Matching, OutputWatch } from '../output/watch.ts';
import type { TextSearch } from '../output/text-search.ts';
import type { Screens } from '../terminal/screens.ts';
import { sizesOf } from '../terminal/sizes.ts';
import { onNeedsInput, STABLE_MS } from './input-wait.ts';
import type { Shared } from './shared.ts';
import { type Tracked, unlessOver } from './tracked.ts';
import type { Condition, Until } from './until.ts';
import type { WaitState } from './wait-cursor.ts';

export interface Met {
  readonly execution: string;
  readonly condition: Condition;
  /** The line that matched. */
  readonly line?: string | undefined;
  readonly port?: number | undefined;
  readonly file?: string | undefined;
}

export interface WaitServices {
  readonly watch: OutputWatch;
  readonly search: TextSearch;
  readonly screens: Screens;
  /** Among all waits of the server. */
  readonly shared: Shared;
}

/** One execution, what is waited for, and from where. */
export interface Wanted {
  readonly one: Tracked;
  readonly until: Until;
  readonly from: WaitState;
}

/** The sandbox is asked for so long at a time. */
const ASK_MS = 30_000;
/** Between two looks at one screen: programs draw in many pieces. */
const SCREEN_MS = 50;

const refOf = (one: Pick<Tracked, 'record'>): LogRef => ({ sandbox: one.record.sandbox, execution: one.record.id });

const never = <T>(): Promise<T> => new Promise(() => undefined);

/** Since when nothing was printed, as far as is known: silence that an earlier wait had seen counts, if nothing came since. */
export const silentMs = (one: Tracked, asked: number, from: WaitState): number => {
  const earlier = from.silent?.bytes === one.stdoutBytes + one.stderrBytes ? from.silent.ms : 0;
  const now = performance.now();
  return one.lastGrowth > asked ? now - one.lastGrowth : now - asked + earlier;
};

const onSilence = ({ one, from }: Wanted, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const asked = performance.now();
    let timer: NodeJS.Timeout;
    const check = (): void => {
      const left = ms - silentMs(one, asked, from);
      if (left <= 0) resolve();
      else timer = setTimeout(check, Math.ceil(left));
    };
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
    check();
  });

/** Resolves when `holds` does, which is asked on each growth. */
const onGrowth = (one: Tracked, holds: () => boolean, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const stop = (): boolean => one.listeners.delete(check);
    const check = (): void => {
      if (!holds()) return;
      stop();
      resolve();
    };
    signal.addEventListener('abort', stop, { once: true });
    one.listeners.add(check);
    check();
  });

/** Asks the sandbox until it says yes. One that is gone never does; a connection that broke is used again once it was made anew. */
const askUntil = async (ask: (timeoutMs: number) => Promise<boolean>, signal: AbortSignal): Promise<void> => {
  for (let failures = 0; !signal.aborted && failures < 2;) {
    const answer = await ask(ASK_MS).catch(unlessOver);
    if (answer === true) return;
    if (answer === undefined) failures += 1;
  }
  await never();
};

const onPort = ({ one }: Wanted, port: number, { shared }: WaitServices, signal: AbortSignal): Promise<void> =>
  shared.join(
    `port ${one.live.record.id} ${String(port)}`,
    (stop) => askUntil((ms) => one.live.sandbox.waitPort(port, ms, stop), stop),
    signal,
  );

const onFile = ({ one }: Wanted, path: string, { shared }: WaitServices, signal: AbortSignal): Promise<void> =>
  shared.join(`file ${one.live.record.id} ${path}`, (stop) => askUntil((ms) => one.live.sandbox.waitFile(path, ms, stop), stop), signal);

/** The line of the screen that matches now. */
export const lineOfScreen = async (
  { screens, search }: WaitServices,
  one: Pick<Tracked, 'record' | 'stdoutBytes'>,
  pattern: string,
): Promise<string | undefined> => {
  const sizes = sizesOf(one.record.meta);
  if (sizes === undefined) return undefined;
  const { text } = await screens.show({ ref: refOf(one), sizes, to: one.stdoutBytes });
  const [hit] = await search.search(Buffer.from(text), pattern, { ignoreCase: false, max: 1 });
  return hit?.text;
};

const onScreen = ({ one }: Wanted, pattern: string, services: WaitServices, signal: AbortSignal): Promise<string> =>
  services.shared.join(
    `screen ${one.record.id} ${pattern}`,
    async (stop) => {
      let looked = -1;
      for (;;) {
        await onGrowth(one, () => one.stdoutBytes !== looked, stop);
        looked = one.stdoutBytes;
        const line = await lineOfScreen(services, one, pattern);
        if (line !== undefined) return line;
        await new Promise((resolve) => setTimeout(resolve, SCREEN_MS));
      }
    },
    signal,
  );

/** The file as seen inside; what is no path by itself lies in the folder in which the execution runs. */
export const absolutePath = ({ cwd }: Tracked['record'], path: string): string =>
  path.startsWith('/') ? path : `${cwd.replace(/\/$/, '')}/${path}`;

/** Every way in which this wait may end but the exit. Rejects when a condition cannot be waited for. */
export const waysOf = (
  wanted: Wanted,
  services: WaitServices,
  signal: AbortSignal,
): { readonly ways: readonly Promise<Met>[]; readonly matching: Matching | undefined } => {
  const { one, until, from } = wanted;
  const execution = one.record.id;
  const ways: Promise<Met>[] = [];
  const add = <T>(condition: Condition, way: Promise<T>, details: (value: T) => Omit<Met, 'execution' | 'condition'> = () => ({})): void =>
    void ways.push(way.then((value) => ({ execution, condition, ...details(value) })));

  let matching: Matching | undefined;
  if (until.output !== undefined) {
    matching = services.watch.match(
      { ref: refOf(one), pattern: until.output, stream: until.stream, from: from.scanned, growth: one },
      signal,
    );
    add(
      'output',
      matching.match.then((match) => match ?? never<NonNullable<typeof match>>()),
      ({ line }) => ({ line }),
    );
  }
  if (until.screen !== undefined) add('screen', onScreen(wanted, until.screen, services, signal), (line) => ({ line }));
  const { port, file, bytes } = until;
  if (port !== undefined) add('port', onPort(wanted, port, services, signal), () => ({ port }));
  if (file !== undefined) add('file', onFile(wanted, absolutePath(one.record, file), services, signal), () => ({ file }));
  if (bytes !== undefined)
    add(
      'bytes',
      onGrowth(one, () => one.stdoutBytes + one.stderrBytes >= bytes, signal),
    );
  if (until.silenceSeconds !== undefined) add('silence', onSilence(wanted, until.silenceSeconds * 1000, signal));
  if (until.needsInput === true) add('needs_input', onNeedsInput(one, STABLE_MS, signal));
  return { ways, matching };
};

/** Hears it of growth, or of waits for input? */
export const isClose = (until: Until): boolean =>
  until.output !== undefined ||
  until.screen !== undefined ||
  until.bytes !== undefined ||
  until.silenceSeconds !== undefined ||
  until.needsInput === true;
