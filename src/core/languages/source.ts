/** Does this JavaScript need to be a module? Statement-level import, export or await; anything else runs as the classic form, with `require`. */
const isModule = (code: string): boolean =>
  /^\s*(import\s*[\w{*'"]|export\s)/m.test(code) || (/(^|[^\w.])await\s/.test(code) && !/\basync\b/.test(code)) || /^(?:const|let|var)?[^\n]*=?\s*await\s/m.test(code);

/**
 * The code as it is put into its file. JavaScript lies in a scratch folder but must see what its working directory sees, so `require` is
 * tied to that directory; modules keep `require` too. Nothing moves to another line: errors name the lines the caller wrote.
 */
export const sourceFor = (language: string, code: string, cwd: string): { readonly text: string; readonly file?: string } => {
  if (language !== 'javascript') return { text: code };
  const directory = JSON.stringify(`${cwd}/`);
  if (isModule(code))
    return { text: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(${directory}); ${code}`, file: 'main.mjs' };
  const shebang = code.startsWith('#!') ? '//' : '';
  return { text: `require = require('node:module').createRequire(${directory}); ${shebang}${code}`, file: 'main.cjs' };
};

/** The class whose `main` is run: the first public class, else the first class with a main method, else Main. */
export const javaClass = (code: string): string => {
  const named = /\bpublic\s+(?:final\s+|abstract\s+)*(?:class|record|enum|interface)\s+([A-Za-z_$][\w$]*)/.exec(code)?.[1];
  if (named !== undefined) return named;
  const classes = [...code.matchAll(/\b(?:class|record|enum|interface)\s+([A-Za-z_$][\w$]*)/g)];
  const main = code.indexOf('static void main');
  const holder = classes.filter((match) => match.index < main).at(-1) ?? classes[0];
  return holder?.[1] ?? 'Main';
};

/** `package a.b;` puts the class into a folder of its own. */
export const javaPackage = (code: string): string | undefined => /^\s*package\s+([\w.]+)\s*;/m.exec(code)?.[1];
