/** The words that are commands, with their line in the help. Everything else in first place is a folder. */
export const COMMANDS: ReadonlyMap<string, string> = new Map([
  ['serve', 'serve MCP over HTTP (or stdio)'],
  ['run', 'run a command in a fresh sandbox, as if it ran here'],
  ['exec', 'the same as run'],
  ['ps', 'list executions'],
  ['logs', 'print the output of an execution'],
  ['attach', 'see and type into a running execution'],
  ['kill', 'end executions with their whole process trees'],
  ['sandbox', 'list and remove sandboxes'],
  ['template', 'list and run the commands of a templates file'],
  ['package', 'install and list packages in a sandbox, or on this machine'],
  ['policy', 'decide, explain and test what may run; nothing is started'],
  ['approvals', 'list and answer what the rules leave to a person'],
  ['audit', 'read, search and verify the log of what was done'],
  ['doctor', 'check what this machine can do, and how to mend the rest'],
  ['config', 'show the configuration and where it comes from'],
  ['help', 'help for a command'],
]);
