import type { Vocabulary } from '../contract/sandbox-driver.ts';

const sh = (script: string, ...args: string[]): string[] => ['sh', '-c', script, 'sh', ...args];

/** The contract's programs, for drivers that run real ones. */
export const SHELL_PROGRAMS: Vocabulary = {
  print: (line) => sh('printf "%s\\n" "$1"', line),
  complain: (line) => sh('printf "%s\\n" "$1" >&2', line),
  exit: (code) => sh('exit "$1"', String(code)),
  raise: (signal) => sh('kill -"$1" $$', signal.replace('SIG', '')),
  sleep: (ms) => ['sleep', String(ms / 1000)],
  cat: () => ['cat'],
  spam: (bytes) => sh('yes spam | head -c "$1"', String(bytes)),
  printenv: (name) => sh('printenv "$1"', name),
  pwd: () => ['pwd'],
  stubborn: () => sh('trap "" TERM; echo ready; while :; do sleep 1; done'),
  leaveBehind: (mark) => sh('(setsid sleep "$1" >/dev/null 2>&1 &)', mark),
  printLater: (ms, line) => sh('(setsid sh -c "sleep $1; echo $2" &)', String(ms / 1000), line),
  stayWithChild: (mark) => sh('(setsid sleep "$1" >/dev/null 2>&1 &) ; sleep 60', mark),
  listen: (port) => [
    'perl',
    '-MIO::Socket::INET',
    '-e',
    `my $s=IO::Socket::INET->new(Listen=>1,LocalAddr=>"127.0.0.1",LocalPort=>${port}) or die $!; sleep 60`,
  ],
  link: (target, path) => ['ln', '-s', target, path],
};
