import { CorralError } from '../../ports/errors.ts';
import type { SandboxFiles } from '../../ports/sandbox.ts';

/** Files that are read whole (to edit or to search them) may be so big. */
export const WHOLE_FILE_BYTES = 16 * 1024 * 1024;
const CHUNK = 1024 * 1024;

export const readWhole = async (
  files: SandboxFiles,
  path: string,
  limit: number = WHOLE_FILE_BYTES,
  signal?: AbortSignal,
): Promise<Buffer> => {
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (;;) {
    const page = await files.read(path, offset, CHUNK, signal);
    if (page.size > limit)
      throw new CorralError('limit_exceeded', `${path} has ${String(page.size)} bytes; at most ${String(limit)} can be handled at once.`, {
        hint: 'Use a command (sed, grep, head) for files of that size.',
      });
    parts.push(page.data);
    offset += page.data.length;
    if (page.eof || page.data.length === 0) return Buffer.concat(parts);
  }
};

/** Text, or undefined when the bytes are not valid UTF-8 or hold NUL. */
export const decodeText = (data: Uint8Array): string | undefined => {
  if (data.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
};

/** `old` must stand exactly once, unless all are meant. */
export const replaceText = (
  text: string,
  old: string,
  replacement: string,
  all: boolean,
  path: string,
): { readonly text: string; readonly count: number } => {
  const count = text.split(old).length - 1;
  if (count === 0)
    throw new CorralError('invalid_input', `old_text does not occur in ${path}.`, {
      hint: 'Read the file again and copy the text exactly, with its white space.',
    });
  if (count > 1 && !all)
    throw new CorralError('invalid_input', `old_text occurs ${String(count)} times in ${path}.`, {
      hint: 'Give more of the surrounding text, or replace_all: true.',
    });
  return { text: all ? text.split(old).join(replacement) : text.replace(old, () => replacement), count: all ? count : 1 };
};
