export interface Installed {
  readonly name: string;
  readonly version: string;
}

const MOST = 10_000;

/** Reads a list that has one package a line: name, then version, in the two groups of the pattern. */
export const byLines =
  (pattern: RegExp) =>
  (text: string): readonly Installed[] => {
    const found: Installed[] = [];
    for (const line of text.split('\n')) {
      const [, name, version] = pattern.exec(line) ?? [];
      if (name !== undefined && version !== undefined) found.push({ name, version });
      if (found.length === MOST) break;
    }
    return found;
  };

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

const installed = (name: unknown, version: unknown): readonly Installed[] =>
  typeof name === 'string' && name !== '' ? [{ name, version: typeof version === 'string' ? version : 'unknown' }] : [];

/** `[{"name", "version"}]`, or `{"dependencies": {name: {"version"}}}`. What is neither is an empty list. */
export const byJson = (text: string): readonly Installed[] => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  if (Array.isArray(value))
    return value.slice(0, MOST).flatMap((item: unknown) => (isRecord(item) ? installed(item['name'], item['version']) : []));
  if (!isRecord(value) || !isRecord(value['dependencies'])) return [];
  return Object.entries(value['dependencies'])
    .slice(0, MOST)
    .flatMap(([name, item]) => installed(name, isRecord(item) ? item['version'] : undefined));
};
