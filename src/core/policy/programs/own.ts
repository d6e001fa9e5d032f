import type { Rules } from '../rules.ts';
import { optionList } from './options.ts';
import type { ProgramClass } from './program.ts';
import type { ClassOf } from './table.ts';

/** The table with the option lists that the rules file adds; a list there takes the place of the built-in one, but lifts no grant. */
export const ownPrograms = (programs: Rules['programs'], classOf: ClassOf): ClassOf => {
  const own = new Map<string, ProgramClass>();
  for (const [name, { options, operands }] of Object.entries(programs)) {
    const check = optionList({
      short: options
        .filter((option) => !option.startsWith('--'))
        .map((option) => option.slice(1))
        .join(''),
      long: options
        .filter((option) => option.startsWith('--'))
        .map((option) => option.slice(2))
        .join(' '),
      operands: operands === 'none' ? {} : { rest: operands },
    });
    const known = classOf(name);
    own.set(name, known?.kind === 'unsafe' ? { ...known, harmless: check } : { kind: 'listed', check });
  }
  return own.size === 0 ? classOf : (name) => own.get(name) ?? classOf(name);
};
