import { CorralError } from '../../ports/errors.ts';
import type { PlanCd, PlanCommand, PlanStep, Redirect, ShellPlan, When, Word } from './shell/plan.ts';

/** Where a plan is executed: what the decision was made with, so that both see the same. Paths are absolute, as seen inside the sandbox. */
export interface PlanPlace {
  /** Folders that exist; the command has to start in one, and no redirection and no `cd` leads out of them. At most 64. */
  readonly roots: readonly string[];
  /** What `~` stands for. */
  readonly home: string;
  /** Files beside the roots that a redirection may read, named exactly so. */
  readonly readable?: readonly string[];
  /** Programs by path, as they were when they were decided on: another file in that place is not started. */
  readonly programs?: ReadonlyMap<string, ProgramIdentity>;
  /** Print one line to stderr at the end, `corral: statuses 0 1|0 -`: a step each, a status for each stage, `-` for what was not due. */
  readonly report?: boolean;
}

export interface ProgramIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

const VERSION = 1;
const PLAN_BYTES = 1024 * 1024;
/** Of base64 in one argument: below the 128 KiB that the kernel takes. */
const CHUNK_CHARACTERS = 96 * 1024;

const WHEN: Readonly<Record<When, number>> = { always: 0, success: 1, failure: 2 };
const REDIRECT = { fd: 1, null: 2, read: 3, write: 4, append: 5, data: 6 } as const;
const LITERAL = 0;
const PATTERN = 1;
const INSIDE = 1;
const NOT_KNOWN: ProgramIdentity = { device: 0n, inode: 0n };

const tooLarge = (): CorralError =>
  new CorralError('limit_exceeded', `The command comes to more than ${String(PLAN_BYTES)} bytes once it is read.`, {
    hint: 'Split it into several calls, or put long data into a file.',
  });

const createWriter = () => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  const add = (piece: Buffer): void => {
    bytes += piece.length;
    if (bytes > PLAN_BYTES) throw tooLarge();
    pieces.push(piece);
  };
  const u8 = (value: number): void => add(Buffer.of(value));
  const u32 = (value: number): void => {
    const piece = Buffer.alloc(4);
    piece.writeUInt32LE(value);
    add(piece);
  };
  const u64 = (value: bigint): void => {
    const piece = Buffer.alloc(8);
    piece.writeBigUInt64LE(value);
    add(piece);
  };
  const data = (text: string): void => {
    const piece = Buffer.from(text, 'utf8');
    u32(piece.length);
    add(piece);
  };
  const str = (text: string): void => {
    if (text.includes('\0')) throw new CorralError('invalid_input', 'A text of the command holds NUL.');
    data(text);
  };
  const list = <T>(items: readonly T[], write: (item: T, index: number) => void): void => {
    u32(items.length);
    items.forEach(write);
  };
  return { u8, u32, u64, data, str, list, bytes: () => Buffer.concat(pieces, bytes) };
};

type Writer = ReturnType<typeof createWriter>;

interface Part {
  readonly kind: typeof LITERAL | typeof PATTERN;
  readonly text: string;
}

/** The parts as the runner has them: `~` is text by now, and neighbours that are both text are one. */
const partsOf = (word: Word, home: string): readonly Part[] => {
  const parts: Part[] = [];
  for (const part of word) {
    if ('glob' in part) {
      parts.push({ kind: PATTERN, text: part.glob });
      continue;
    }
    const text = 'home' in part ? home : part.literal;
    const last = parts.at(-1);
    if (last?.kind === LITERAL) parts[parts.length - 1] = { kind: LITERAL, text: last.text + text };
    else parts.push({ kind: LITERAL, text });
  }
  return parts;
};

const writeRedirect = (to: Writer, { fd, target }: Redirect): void => {
  to.u8(fd);
  if (target.kind !== 'file') to.u8(REDIRECT[target.kind]);
  switch (target.kind) {
    case 'fd':
      return to.u8(target.fd);
    case 'null':
      return undefined;
    case 'data':
      return to.data(target.data);
    case 'file':
      to.u8(REDIRECT[target.mode]);
      return to.str(target.path);
  }
};

const writeCommand = (to: Writer, command: PlanCommand, place: PlanPlace): void => {
  const { argv, env, redirects, path, insert, inside = [] } = command;
  const { device, inode } = (path === undefined ? undefined : place.programs?.get(path)) ?? NOT_KNOWN;
  to.str(path ?? '');
  to.u64(device);
  to.u64(inode);
  to.list(Object.entries(env), ([name, value]) => to.str(`${name}=${value}`));
  to.list(redirects, (redirect) => writeRedirect(to, redirect));
  const words = argv.map((word, index) => ({ word, flags: inside.includes(index) ? INSIDE : 0 }));
  const added = insert?.words.map((text) => ({ word: [{ literal: text }], flags: 0 })) ?? [];
  to.list(words.toSpliced(insert?.at ?? 0, 0, ...added), ({ word, flags }) => {
    to.u8(flags);
    to.list(partsOf(word, place.home), ({ kind, text }) => {
      to.u8(kind);
      to.str(text);
    });
  });
};

const isCd = (stages: PlanStep['stages']): stages is readonly [PlanCd] => stages[0]?.kind === 'cd';

const writeStep = (to: Writer, { when, stages, timed }: PlanStep, place: PlanPlace): void => {
  to.u8(WHEN[when]);
  to.u8(timed ? 1 : 0);
  if (isCd(stages)) {
    to.u8(0);
    return to.str(stages[0].path);
  }
  to.u8(stages.length);
  for (const stage of stages) writeCommand(to, stage, place);
};

/**
 * The steps of an execution that carries out a plan: argv of the runner, with the plan in its arguments as docs/reference/shell-plan.md has it. Pure.
 * `runner` is the sandbox's `planRunner`. Throws `limit_exceeded` when the plan is larger than a program can be given.
 */
export const planSteps = (plan: ShellPlan, runner: string, place: PlanPlace): readonly (readonly string[])[] => {
  const to = createWriter();
  to.u8(VERSION);
  to.u8(place.report === true ? 1 : 0);
  to.list(place.roots, to.str);
  to.list(place.readable ?? [], to.str);
  to.list(plan.steps, (step) => writeStep(to, step, place));
  const text = to.bytes().toString('base64');
  const chunks: string[] = [];
  for (let at = 0; at < text.length; at += CHUNK_CHARACTERS) chunks.push(text.slice(at, at + CHUNK_CHARACTERS));
  return [[runner, 'run-plan', ...chunks]];
};
