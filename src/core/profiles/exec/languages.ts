import { languageOrThrow } from '../../languages/plan.ts';
import type { Language } from '../../languages/table.ts';

/** Types of scripts by every name they have, to the languages of Corral. */
const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    bash: 'bash',
    sh: 'bash',
    python: 'python',
    py: 'python',
    javascript: 'javascript',
    js: 'javascript',
    typescript: 'typescript',
    ts: 'typescript',
    rust: 'rust',
    rs: 'rust',
    go: 'go',
  }),
);

/** There is nothing to run of a contract by itself: it is compiled, and what comes of it is shown. */
export const SOLIDITY: readonly Language[] = [
  {
    name: 'solidity',
    aliases: [],
    file: 'Main.sol',
    tools: ['solc'],
    version: ['{tool}', '--version'],
    run: ['{tool}', '--abi', '--bin', '{file}'],
  },
  {
    name: 'solidity',
    aliases: [],
    file: 'Main.sol',
    tools: ['forge'],
    version: ['{tool}', '--version'],
    run: ['{tool}', 'build', '--root', '{dir}', '--contracts', '{dir}'],
  },
];

export const NO_SOLIDITY =
  'Error: Solidity needs solc or forge, and neither is installed. Get solc from https://docs.soliditylang.org/en/latest/installing-solidity.html, or forge with Foundry: https://getfoundry.sh';

/** Whose compiler has a deadline of its own, and is shown by this name when it passes. */
export const COMPILED: ReadonlyMap<string, string> = new Map([
  ['rust', 'Rust'],
  ['go', 'Go'],
]);

/** Best first; empty for a type that is none. */
export const languagesOf = (type: string): readonly Language[] => {
  const wanted = type.trim().toLowerCase();
  if (wanted === 'solidity' || wanted === 'sol') return SOLIDITY;
  const name = TYPES.get(wanted);
  return name === undefined ? [] : [languageOrThrow(name)];
};
