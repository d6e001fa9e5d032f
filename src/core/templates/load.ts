import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { CorralError } from '../../ports/errors.ts';
import { refuseWorkspaceRules } from '../policy/load.ts';
import { createSystemFacts } from '../policy/system-facts.ts';
import { loadTemplate, type Template } from '../policy/templates.ts';
import { withDashes } from './dashes.ts';

const MAX_BYTES = 1024 * 1024;
const MAX_TEMPLATES = 128;

const invalid = (message: string, cause?: unknown): CorralError =>
  new CorralError('invalid_input', message, {
    hint: 'A templates file maps names to commands; its form is in docs/guide/templates.md.',
    ...(cause !== undefined && { cause }),
  });

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads a templates file that no workspace holds. Throws CorralError with the first thing that is wrong. */
export const readTemplatesFile = (path: string, workspaces: readonly string[]): readonly Template[] => {
  const files = createSystemFacts();
  const real = files.realpath(path);
  if (real === undefined) throw invalid(`The templates file ${path} is not there or cannot be reached.`);
  refuseWorkspaceRules(real, workspaces);
  let value: unknown;
  try {
    const text = readFileSync(real, 'utf8');
    if (text.length > MAX_BYTES) throw new Error(`it is larger than ${String(MAX_BYTES)} characters`);
    value = parse(text, { maxAliasCount: 0, uniqueKeys: true });
  } catch (error) {
    throw invalid(
      `The templates file ${path} cannot be read: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`,
      error,
    );
  }
  if (!isRecord(value)) throw invalid(`The templates file ${path} is no map of names to commands.`);
  const entries = Object.entries(value);
  if (entries.length > MAX_TEMPLATES)
    throw new CorralError(
      'limit_exceeded',
      `The templates file ${path} holds ${String(entries.length)} templates; at most ${String(MAX_TEMPLATES)} make sense to a model.`,
    );
  const tools = new Map<string, string>();
  for (const [name] of entries) {
    const other = tools.get(toolName(name));
    if (other !== undefined) throw invalid(`The templates ${other} and ${name} would be the same tool, ${toolName(name)}.`);
    tools.set(toolName(name), name);
  }
  return entries.map(([name, spec]) => loadTemplate(name, isRecord(spec) ? withDashes(spec) : spec));
};

/** Tools are snake_case. */
export const toolName = (name: string): string => name.toLowerCase().replaceAll('-', '_');
