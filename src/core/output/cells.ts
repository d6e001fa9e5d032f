import { parameter } from './escapes.ts';

/** A gap that a program leaves when it erases and goes on further right; a larger one is closed up. */
const MAX_GAP = 1_000;

/** One row of a terminal that is as wide as it needs to be. */
export interface Cells {
  column: number;
  write(text: string): void;
  /** Carriage return, backspace, and the sequences that move or erase within a row; false: it is none of them. */
  move(token: string, parameters: string | undefined, final: string | undefined): boolean;
  text(): string;
}

export const createCells = (initial = ''): Cells => {
  const cells: string[] = initial === '' ? [] : Array.from(initial);
  const row: Cells = {
    column: 0,
    write(text) {
      if (text === '') return;
      if (row.column - cells.length > MAX_GAP) row.column = cells.length;
      while (cells.length < row.column) cells.push(' ');
      for (const cell of text) cells[row.column++] = cell;
    },
    move(token, parameters, final) {
      if (token === '\r') row.column = 0;
      else if (token === '\b') row.column = Math.max(0, row.column - 1);
      else if (final === 'G' || final === '`') row.column = parameter(parameters) - 1;
      else if (final === 'C') row.column += parameter(parameters);
      else if (final === 'D') row.column = Math.max(0, row.column - parameter(parameters));
      else if (final === 'K') {
        if (parameters === '2') cells.length = 0;
        else if (parameters === '1') cells.fill(' ', 0, Math.min(row.column + 1, MAX_GAP));
        else cells.length = Math.min(row.column, cells.length);
      } else return false;
      return true;
    },
    text: () => cells.join(''),
  };
  return row;
};
