import { createHash } from 'node:crypto';
import { dirname } from 'node:path';

/**
 * What stands behind the supervisor's program when it serves: the sandbox, and a mark of the folder in which its server keeps sandboxes. So
 * whoever looks at the processes of a machine finds those of a state folder, also when nothing else is left of them.
 */
export const serveArguments = (sandbox: string, folder: string): readonly string[] => ['serve', sandbox, markOf(dirname(folder))];

/** Not the path itself: every user of the machine sees it. */
export const markOf = (sandboxesFolder: string): string => createHash('sha256').update(sandboxesFolder).digest('hex').slice(0, 16);

/** The sandbox of this command line, with NUL between its words, if it is a supervisor's with that mark. */
export const servedSandbox = (commandLine: string, mark: string): string | undefined => {
  const found = /(?:^|\0)[^\0]*supervisor[^\0]*\0serve\0([a-z0-9]{1,32})\0([0-9a-f]{16})\0$/.exec(commandLine);
  return found?.[2] === mark ? found[1] : undefined;
};
