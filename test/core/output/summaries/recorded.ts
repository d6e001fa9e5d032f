import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../../fixtures/summaries');

/** What a real tool printed, as scripts/record-summaries.mjs wrote it down. */
export interface Recorded {
  readonly name: string;
  readonly command: string;
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

const FORM = /^(\{.*\})\n--- stdout\n([^]*?)--- stderr\n([^]*)$/;

const readRecorded = (tool: string, file: string): Recorded => {
  const [, header = '', stdout = '', stderr = ''] = FORM.exec(readFileSync(join(FOLDER, tool, file), 'utf8')) ?? [];
  const { command, exit } = JSON.parse(header) as { command: string; exit: number };
  return { name: `${tool}/${file.replace('.txt', '')}`, command, code: exit, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) };
};

export const allRecorded = (): readonly Recorded[] =>
  readdirSync(FOLDER).flatMap((tool) => readdirSync(join(FOLDER, tool)).map((file) => readRecorded(tool, file)));
