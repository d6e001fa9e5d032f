import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a real tool printed, as scripts/record-summaries.mjs wrote it down. */
export interface Recorded {
  readonly name: string;
  readonly command: string;
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

const FORM = /^(\{.*\})\n--- stdout\n([^]*?)--- stderr\n([^]*)$/;

const readRecorded = (folder: string, tool: string, file: string): Recorded => {
  const [, header = '', stdout = '', stderr = ''] = FORM.exec(readFileSync(join(folder, file), 'utf8')) ?? [];
  const { command, exit } = JSON.parse(header) as { command: string; exit: number };
  return { name: `${tool}/${file.replace('.txt', '')}`, command, code: exit, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) };
};

const readFolder = (folder: string, tool: string): readonly Recorded[] =>
  readdirSync(folder).map((file) => readRecorded(folder, tool, file));

/** Of tools that are summarised. */
export const recordedTools = (root: string): readonly Recorded[] => {
  const folder = join(root, 'test/fixtures/summaries');
  return readdirSync(folder).flatMap((tool) => readFolder(join(folder, tool), tool));
};

/** Of tools that show how far they are. */
export const recordedProgress = (root: string): readonly Recorded[] => readFolder(join(root, 'test/fixtures/progress'), 'progress');
