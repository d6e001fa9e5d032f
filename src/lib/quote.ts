const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** A word as a shell has to be given it. */
export const quote = (word: string): string => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
