import { expect, test } from 'vitest';
import { signalNamed } from '../../../src/core/executions/signal-names.ts';

test.each([
  ['TERM', 'SIGTERM', 15],
  ['sigusr1', 'SIGUSR1', 10],
  ['SIGKILL', 'SIGKILL', 9],
  ['9', 'SIGKILL', 9],
  [' 1 ', 'SIGHUP', 1],
  ['iot', 'SIGIOT', 6],
])('%s is a signal', (text, name, number) => expect(signalNamed(text)).toEqual({ name, number }));

test.each(['', '0', '-9', '99', 'SIG', 'SIGNOTHING', 'kill -9', '__proto__', 'constructor', '9.5', 'SIGRTMIN+1', '９'])(
  '%j is none, and those that there are are named',
  (text) => {
    expect(() => signalNamed(text)).toThrow(`signal: there is no signal ${JSON.stringify(text)}.`);
    expect(() => signalNamed(text)).toThrow(
      expect.objectContaining({ code: 'invalid_input', hint: expect.stringMatching(/^Use one of SIGHUP, SIGINT, .*SIGUSR1.*SIGSYS\.$/) }),
    );
  },
);
