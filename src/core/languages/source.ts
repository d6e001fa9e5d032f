/** Does this JavaScript need to be a module? Statement-level import or export, or await outside of any async function. */
export const isModule = (code: string): boolean =>
  /^\s*(?:import(?:\s+[\w$]|\s*[{*'"])|export\s)/m.test(code) ||
  (/(?:^|[^\w.])await[\s(]/.test(code) && !/\basync\b/.test(code)) ||
  /^(?:(?:const|let|var)\s[^\n=]+=\s*)?await\s/m.test(code);

/** Modules keep `require`, tied to the working directory. On the first line, so that errors name the lines the caller wrote. */
export const withRequire = (code: string, cwd: string): string => {
  if (/\bcreateRequire\b|\b(?:const|let|var)\s+require\b/.test(code) || !/\brequire\s*\(/.test(code)) return code;
  return `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(${JSON.stringify(`${cwd}/`)}); ${code}`;
};

/** Names a package that lies in a node_modules folder? */
export const importsPackages = (code: string): boolean => /(?:\bfrom|\bimport)\s*\(?\s*['"](?![./]|node:)/.test(code);

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
