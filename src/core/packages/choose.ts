import { CorralError } from '../../ports/errors.ts';
import { findLanguage } from '../languages/table.ts';
import { findManager, MANAGER_NAMES, type Manager, managerOfLanguage, PACKAGE_LENGTH } from './managers.ts';

/** The manager for a name that says where it belongs; otherwise the system's, of which `apt` is the usual. */
export const detectManager = (name: string): string => {
  if (name.startsWith('py') || name.endsWith('py')) return 'pip';
  if (name.startsWith('node-')) return 'npm';
  if (name.startsWith('rust-') || name.startsWith('cargo-')) return 'cargo';
  return 'apt';
};

/** `wanted` is the name of a manager or of a language. Throws `invalid_input` for one that is not known, and for packages that do not belong together. */
export const chooseManager = (wanted: string | undefined, packages: readonly string[]): Manager => {
  if (wanted !== undefined) {
    const manager = findManager(wanted) ?? managerOfLanguage(findLanguage(wanted)?.name ?? '');
    if (manager !== undefined) return manager;
    throw new CorralError('invalid_input', `manager: "${wanted}" is none of ${MANAGER_NAMES.join(', ')}, and no language with one.`);
  }
  const names = [...new Set(packages.map(detectManager))];
  const manager = names.length === 1 ? findManager(names[0] ?? '') : undefined;
  if (manager !== undefined) return manager;
  throw new CorralError('invalid_input', 'These packages do not belong to one manager.', {
    hint: `Name it: ${MANAGER_NAMES.join(', ')}, or the language.`,
  });
};

/** What is wrong with the name of a package; undefined when nothing is. */
export const refusePackage = ({ name, grammar, example }: Manager, spec: string): string | undefined => {
  if (spec.length <= PACKAGE_LENGTH && grammar.test(spec)) return undefined;
  return `${JSON.stringify(spec.slice(0, 60))} is not how ${name} names a package; write ${example}`;
};

/** As rules name them: `manager:name`. */
export const asRulesName = (manager: Manager, specs: readonly string[]): readonly string[] =>
  specs.map((spec) => `${manager.name}:${manager.bare(spec)}`);
