import xterm from '@xterm/headless';
import type { Snapshot } from './protocol.ts';

/** One terminal: what is printed to it, and what then stands on its screen. */
export interface Emulator extends Disposable {
  /** Resolves when it was drawn. */
  write(bytes: Uint8Array): Promise<void>;
  resize(cols: number, rows: number): void;
  /** What it said to the program since the last call. */
  takeAnswers(): string;
  snapshot(): Omit<Snapshot, 'partial'>;
  readonly cells: number;
}

const TITLE_CHARS = 200;
/** A cell may hold any number of combining characters. */
const TEXT_CHARS = 1024 * 1024;

const CONTROLS = /[\0-\x1f\x7f-\x9f]/g;

export const createEmulator = (cols: number, rows: number): Emulator => {
  const terminal = new xterm.Terminal({ cols, rows, scrollback: 0, allowProposedApi: true, logLevel: 'off' });
  let title = '';
  let answers = '';
  terminal.onTitleChange((text) => (title = text.replace(CONTROLS, '').slice(0, TITLE_CHARS)));
  terminal.onData((data) => (answers += data));

  const rowText = (index: number): string => {
    const { active } = terminal.buffer;
    return active.getLine(active.baseY + index)?.translateToString(true) ?? '';
  };
  const isWrapped = (index: number): boolean => {
    const { active } = terminal.buffer;
    return active.getLine(active.baseY + index)?.isWrapped ?? false;
  };
  const lineAt = (row: number): string => {
    let first = row;
    while (first > 0 && isWrapped(first)) first -= 1;
    let last = row;
    while (last + 1 < terminal.rows && isWrapped(last + 1)) last += 1;
    return Array.from({ length: last - first + 1 }, (_, index) => rowText(first + index)).join('');
  };
  const lineOfCursor = (): string => {
    for (let row = terminal.buffer.active.cursorY; row >= 0; row -= 1) {
      const line = lineAt(row).trimEnd();
      if (line !== '') return line;
    }
    return '';
  };

  return {
    write: (bytes) => new Promise((resolve) => terminal.write(bytes, resolve)),
    resize: (width, height) => {
      if (width !== terminal.cols || height !== terminal.rows) terminal.resize(width, height);
    },
    takeAnswers: () => {
      const said = answers;
      answers = '';
      return said;
    },
    snapshot: () => {
      const { active } = terminal.buffer;
      const lines = Array.from({ length: terminal.rows }, (_, row) => rowText(row).trimEnd());
      return {
        text: lines.join('\n').trimEnd().slice(0, TEXT_CHARS),
        row: active.cursorY + 1,
        col: Math.min(active.cursorX + 1, terminal.cols),
        cols: terminal.cols,
        rows: terminal.rows,
        alternate: active.type === 'alternate',
        title,
        applicationCursor: terminal.modes.applicationCursorKeysMode,
        line: lineOfCursor(),
      };
    },
    get cells() {
      return terminal.cols * terminal.rows;
    },
    [Symbol.dispose]: () => terminal.dispose(),
  };
};
