import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Case {
  readonly id: string;
  readonly class: string;
  readonly tier: 'must' | 'should' | 'guarded';
  readonly allow: readonly string[] | 'everyday';
  readonly request: unknown;
  readonly verdict: 'allow' | 'deny';
  readonly why: string;
}

/** The names that an operator of a development machine would allow. */
export const EVERYDAY: readonly string[] =
  'ls cat echo grep wc head sort git find awk sed tail cut tr uniq printf pwd date diff jq du df stat basename dirname rg true false test seq node tee'.split(
    ' ',
  );

export const readCases = (name: string): readonly Case[] =>
  readFileSync(fileURLToPath(new URL(`../cases/${name}.jsonl`, import.meta.url)), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Case);
