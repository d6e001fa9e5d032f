export const ROOT_SUMMARY = 'Hands for AI agents: runs commands in sandboxes and tells the truth about what happened.';

export const ROOT_EXAMPLES = `
Examples:
  corral ~/project                     serve MCP over stdio, with this folder as the workspace (what a client starts)
  corral serve ~/project               serve MCP over HTTP on 127.0.0.1:3344
  corral run -- npm test               run a command here, sandboxed: no network, writes stay in this folder
  corral run 'make 2>&1 | tail -20'    the same with shell text
  corral ps --all                      what runs and what ran, whichever server started it
  corral logs -f x7k                   follow the output of an execution; the beginning of its id will do
  corral doctor                        check this machine

Every option can also be set as CORRAL_NAME_OF_OPTION or in the configuration file; corral config show tells what holds.
Exit codes: 0 done, 1 failed, 2 wrong usage; corral run: that of the program, 124 timed out, 125 could not be run.
`;

export const RUN_EXAMPLES = `
Examples:
  corral run -- cargo test                      a program with its arguments
  corral run 'for f in *.c; do cc -c $f; done'  shell text
  cat data.csv | corral run -- python3 sum.py   standard input is passed on
  corral run --pty -- vim notes.txt             with a terminal
  corral run --detach --timeout 3600 -- ./train prints its id and leaves it running

The current folder is the workspace unless --workspace names others; it is the only place the command can change.
Exit codes: that of the program; 128+N when signal N or a limit ended it; 124 timed out; 125 Corral could not run it.
`;

export const MORE_OPTIONS = '\nAll options of `corral --help` work here too.\n';
