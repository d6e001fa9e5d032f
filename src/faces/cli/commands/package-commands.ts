import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import type { ServerArguments } from '../stdio-arguments.ts';
import type { PackageOptions } from './package.ts';

export interface PackageCommandsDeps {
  readonly context: CliContext;
  readonly add: (parent: Command, name: string, description: string) => Command;
  readonly configOf: (command: Command) => ServerArguments;
  readonly done: (code: number) => void;
}

const EXAMPLES = `
Examples:
  corral package install --sandbox ID --manager pip requests
  corral package install --driver host ripgrep
  corral package list --driver host npm
`;

/** `corral package`: what an agent does with install_packages, by hand. */
export const addPackageCommands = (parent: Command, { context, add, configOf, done }: PackageCommandsDeps): void => {
  add(parent, 'install', 'install packages that are not there yet')
    .argument('<PACKAGE...>', 'as the manager names them; a version is part of the name')
    .option('-m, --manager <NAME>', 'pip, npm, cargo, go, gem, apt, apk or dnf, or a language; else by the names')
    .option('-s, --sandbox <ID>', 'where; the beginning of its id will do')
    .option('--json', 'as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (packages: string[], options: PackageOptions, command: Command) => {
      const { runPackageInstall } = await import('./package.ts');
      done(await runPackageInstall(context, configOf(command), packages, options));
    });
  add(parent, 'list', 'what a manager has installed')
    .argument('<MANAGER>', 'pip, npm, cargo, go, gem, apt, apk or dnf, or a language')
    .option('-s, --sandbox <ID>', 'where; the beginning of its id will do')
    .option('--json', 'as JSON')
    .action(async (manager: string, options: PackageOptions, command: Command) => {
      const { runPackageList } = await import('./package.ts');
      done(await runPackageList(context, configOf(command), manager, options));
    });
};
