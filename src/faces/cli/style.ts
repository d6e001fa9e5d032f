/** Colours that a terminal understands, or nothing. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

/** Colour is for a person at a terminal who did not refuse it (https://no-color.org). */
export const wantsColour = (stream: { readonly isTTY?: boolean }, env: Readonly<Record<string, string | undefined>>): boolean =>
  stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';

export const createStyle = (colour: boolean): Style => {
  const paint =
    (on: number, off: number) =>
    (text: string): string =>
      colour ? `\u001B[${on}m${text}\u001B[${off}m` : text;
  return { bold: paint(1, 22), dim: paint(2, 22), green: paint(32, 39), red: paint(31, 39), yellow: paint(33, 39) };
};

/** Control characters and what draws from right to left are made visible: names come from whoever ran the command. */
export const printable = (text: string): string =>
  text.replace(/[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g, (sign) =>
    sign === '\n' || sign === '\t' ? ' ' : `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
