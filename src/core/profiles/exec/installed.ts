import type { Operation } from '../../operation.ts';
import type { ExecDeps } from './deps.ts';
import { ask } from './question.ts';
import { defineTool } from './tool.ts';

const MOST = 20_000;

const SCRIPT = `
IFS=:
for folder in $PATH; do
  case $folder in /*) for file in "$folder"/*; do [ -f "$file" ] && [ -x "$file" ] && printf '%s\\n' "\${file##*/}"; done ;; esac
done
exit 0`;

export const installedOperation = (deps: ExecDeps): Operation =>
  defineTool({
    name: 'environment.describe',
    tool: 'list_installed_commands',
    title: 'List installed commands',
    description: 'The names of all programs that commands can start: what is on PATH where they run.',
    effect: 'read',
    input: {},
    run: async (_input, context) => {
      const live = await deps.place.live(context.signal);
      const { text } = await ask(deps, live, 'list installed commands', ['/bin/sh', '-c', SCRIPT], context);
      const names = new Set(text.split('\n').filter((name) => name !== '' && !/\p{Cc}/u.test(name)));
      return [...names].toSorted().slice(0, MOST).join('\n');
    },
  });
