import { createCells } from './cells.ts';
import { isPlain, parameter, TOKENS, visible } from './escapes.ts';
import { foldLine } from './fold.ts';
import { mentionsTrouble } from './likeness.ts';
import type { Stretch } from './stretch.ts';

/**
 * Rows that a program draws over: it goes up and writes them again (docker, npm, cargo), or draws whole screens (watch, top). They are
 * shown as they stood last; a row that spoke of trouble stays above them.
 */

/** Up, down, to a row, erase below or all, back by a line, another screen, position kept and restored. */
const VERTICAL = /(?:\x1b\[|\x9b)(?:[0-?]*[ABEFHJdfsu]|\?(?:1049|1047|47)[hl])|\x1b[M78]/;

const OTHER_SCREEN = /^(?:\x1b\[|\x9b)\?(?:1049|1047|47)[hl]$/;

/** As far up as a cursor goes: more rows than terminals have. */
const SCREEN_ROWS = 200;

/** So much of an earlier screen can be drawn over; what is further up has scrolled away and stays. */
const PAGE_ROWS = 60;

/** So many rows hang together at most: what is drawn over without end is shown in pieces. */
const MAX_ROWS = 600;

/** Rows of trouble that stay although they were drawn over, in one text. */
const MAX_KEPT = 100;

interface Screen {
  readonly rows: string[];
  row: number;
  column: number;
  /** No row above it changes any more. */
  floor: number;
  /** First row of a program that draws whole screens. */
  top: number | undefined;
  wentUp: boolean;
  saved: { readonly row: number; readonly column: number } | undefined;
  readonly kept: string[];
  readonly known: Set<string>;
}

const createScreen = (): Screen => ({
  rows: [],
  row: 0,
  column: 0,
  floor: 0,
  top: undefined,
  wentUp: false,
  saved: undefined,
  kept: [],
  known: new Set(),
});

const keep = (screen: Screen, row: string): void => {
  const likeness = row.replace(/\d+/g, '0');
  if (screen.known.size >= MAX_KEPT || screen.known.has(likeness) || !mentionsTrouble(row)) return;
  screen.known.add(likeness);
  screen.kept.push(row);
};

const eraseFrom = (screen: Screen, row: number): void => {
  for (const erased of screen.rows.splice(row)) keep(screen, erased);
};

/** Rows below which nothing hangs together with what comes are let go. */
const raiseFloor = (screen: Screen): void => {
  if (screen.rows.length - screen.floor < MAX_ROWS) return;
  screen.floor = screen.wentUp ? screen.rows.length : screen.rows.length - SCREEN_ROWS;
  screen.wentUp = false;
};

/** Writes one line with its sequences; returns the topmost and the lowest row that it touched. */
const draw = (screen: Screen, line: string): { readonly low: number; readonly high: number } => {
  let low = screen.row;
  let high = screen.row;
  let cells = createCells(screen.rows[screen.row]);
  cells.column = screen.column;
  let changed = false;
  let away = false;

  const leave = (): void => {
    if (!changed) return;
    while (screen.rows.length < screen.row) screen.rows.push('');
    const [before, now] = [screen.rows[screen.row], cells.text()];
    if (before !== undefined && before !== '' && !now.includes(before)) keep(screen, before);
    screen.rows[screen.row] = now;
    changed = false;
  };
  const go = (row: number, column: number): void => {
    leave();
    if (row < screen.row) screen.wentUp = true;
    screen.row = Math.max(screen.floor, Math.min(row, Math.max(screen.rows.length - 1, screen.floor) + SCREEN_ROWS));
    low = Math.min(low, screen.row);
    high = Math.max(high, screen.row);
    cells = createCells(screen.rows[screen.row]);
    cells.column = column;
  };
  const up = (count: number): number => screen.row - Math.min(count, SCREEN_ROWS);
  /** The first screen begins below what is there. */
  const home = (): number => {
    if (screen.top === undefined) {
      leave();
      screen.top = Math.min(screen.rows.length, (screen.rows[screen.row] ?? '') === '' ? screen.row : screen.rows.length);
      screen.floor = Math.max(screen.floor, screen.top);
    }
    return Math.max(screen.top, screen.rows.length - PAGE_ROWS, screen.floor);
  };
  const clear = (): void => {
    go(home(), 0);
    eraseFrom(screen, screen.row);
    cells = createCells();
  };
  const eraseBelow = (): void => {
    leave();
    eraseFrom(screen, screen.row + 1);
    cells.move('', '0', 'K');
    changed = true;
  };
  const act = (token: string, parameters: string | undefined, final: string | undefined): boolean => {
    if (OTHER_SCREEN.test(token)) {
      screen.top = undefined;
      if (token.endsWith('h')) go(home(), 0);
    } else if (final === 'A' || token === '\x1bM') go(up(parameter(parameters)), cells.column);
    else if (final === 'F') go(up(parameter(parameters)), 0);
    else if (final === 'B' || final === 'E')
      go(screen.row + Math.min(parameter(parameters), SCREEN_ROWS), final === 'E' ? 0 : cells.column);
    else if (final === 'J') {
      if (parameters === '2' || parameters === '3') clear();
      else if (parameters !== '1') eraseBelow();
    } else if (final === 'H' || final === 'f' || final === 'd') {
      const [row, column] = [parameter(parameters) - 1, final === 'd' ? cells.column : parameter(parameters, 1) - 1];
      // Without a screen of its own, that is a status line at the edge of somebody else's.
      if (screen.top === undefined && row > 0) away = true;
      else go(home() + Math.min(row, SCREEN_ROWS), column);
    } else if (final === 's' || token === '\x1b7') screen.saved = { row: screen.row, column: cells.column };
    else if (final === 'u' || token === '\x1b8') {
      away = false;
      if (screen.saved !== undefined) go(Math.min(screen.saved.row, screen.rows.length), screen.saved.column);
    } else return false;
    return true;
  };
  const write = (text: string): void => {
    if (text === '' || away) return;
    cells.write(text);
    changed = true;
  };

  let at = 0;
  for (const match of line.matchAll(TOKENS)) {
    const [token, parameters, final] = match;
    write(line.slice(at, match.index));
    at = match.index + token.length;
    if (act(token, parameters, final)) continue;
    if (cells.move(token, parameters, final)) changed ||= final === 'K';
    else write(visible(token));
  }
  write(line.slice(at));
  changed ||= screen.row >= screen.rows.length;
  leave();
  return { low, high };
};

interface Touched {
  readonly low: number;
  readonly high: number;
  readonly kept: readonly string[];
}

const drawAll = (lines: readonly string[]): { readonly rows: readonly string[]; readonly touched: readonly Touched[] } => {
  const screen = createScreen();
  const touched: Touched[] = [];
  const none: readonly string[] = [];
  for (const line of lines) {
    const { row } = screen;
    if (row === screen.rows.length && !VERTICAL.test(line)) {
      screen.rows.push(foldLine(line));
      touched.push({ low: row, high: row, kept: none });
    } else {
      const { low, high } = draw(screen, line.endsWith('\r') ? line.slice(0, -1) : line);
      touched.push({ low, high, kept: screen.kept.splice(0) });
    }
    screen.row = Math.min(screen.row + 1, screen.rows.length);
    screen.column = 0;
    raiseFloor(screen);
    if (screen.row < screen.floor) screen.row = screen.floor;
  }
  return { rows: screen.rows, touched };
};

/** Lines, and the bytes that each takes, as stretches in the same order: one for each line, and one for what hangs together. */
export const redraw = (lines: readonly string[], lengths: readonly number[]): readonly Stretch[] => {
  const plain = (index: number): Stretch => ({ rows: [foldLine(lines[index] ?? '')], bytes: lengths[index] ?? 0, folded: 0 });
  if (!lines.some((line) => !isPlain(line) && VERTICAL.test(line))) return lines.map((_, index) => plain(index));
  const { rows, touched } = drawAll(lines);
  // What is below all rows that come later may be cut off from them.
  const lowest: number[] = [];
  let least = Infinity;
  for (let index = touched.length - 1; index >= 0; index -= 1) {
    lowest[index] = least;
    least = Math.min(least, touched[index]?.low ?? Infinity);
  }
  const stretches: Stretch[] = [];
  let from = 0;
  let row = 0;
  let high = -1;
  for (const [index, one] of touched.entries()) {
    high = Math.max(high, one.high);
    if (high >= (lowest[index] ?? Infinity)) continue;
    const shown = [...touched.slice(from, index + 1).flatMap(({ kept }) => kept), ...rows.slice(row, high + 1)];
    const bytes = lengths.slice(from, index + 1).reduce((sum, length) => sum + length, 0);
    stretches.push({ rows: shown, bytes, folded: Math.max(0, index + 1 - from - shown.length) });
    from = index + 1;
    row = Math.max(row, high + 1);
  }
  return stretches;
};
