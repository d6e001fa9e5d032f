/**
 * Stands for an object that does not exist yet: every access goes to what `get` returns then. Lets the catalogue of operations, which is
 * data, exist before the services behind it are opened.
 */
export const late = <T extends object>(get: () => T): T =>
  new Proxy({} as T, {
    get: (_, key) => {
      const target = get();
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
    has: (_, key) => Reflect.has(get(), key),
  });

/** Computes once, when first asked. */
export const cached = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
};

/** Runs once, when first asked; a failure is forgotten, so that the next call tries again. */
export const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
};
