import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';

/** Looks that answer "not there" instead of throwing: what cannot be looked at cannot be mounted either. */

const attempt = <T>(look: () => T): T | undefined => {
  try {
    return look();
  } catch {
    return undefined;
  }
};

export const textOf = (path: string): string | undefined => attempt(() => readFileSync(path, 'utf8'));
export const realPathOf = (path: string): string | undefined => attempt(() => realpathSync(path));
export const namesIn = (folder: string): readonly string[] => attempt(() => readdirSync(folder).toSorted()) ?? [];
export const isFolder = (path: string): boolean => attempt(() => statSync(path).isDirectory()) ?? false;
export const isFile = (path: string): boolean => attempt(() => statSync(path).isFile()) ?? false;
