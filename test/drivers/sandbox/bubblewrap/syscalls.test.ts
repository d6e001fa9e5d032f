import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { architectureOf, LAST_SYSCALL, SYSCALL_NAMES, syscallNumber } from '../../../../src/drivers/sandbox/bubblewrap/syscalls.ts';
import type { Architecture } from '../../../../src/drivers/sandbox/bubblewrap/syscalls.ts';

const HEADERS: readonly { readonly architecture: Architecture; readonly files: readonly string[] }[] = [
  { architecture: 'x86_64', files: ['/usr/include/x86_64-linux-gnu/asm/unistd_64.h', '/usr/include/asm/unistd_64.h'] },
  // aarch64 uses the generic table.
  { architecture: 'aarch64', files: ['/usr/include/asm-generic/unistd.h'] },
];

const numbersOf = (file: string): Map<string, number> => {
  const found = new Map<string, number>();
  for (const [, name, number] of readFileSync(file, 'utf8').matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)$/gm))
    if (name !== undefined) found.set(name, Number(number));
  return found;
};

describe.each(HEADERS)('numbers of $architecture against the kernel headers', ({ architecture, files }) => {
  const header = files.find((file) => existsSync(file));
  test.skipIf(header === undefined)('every number is the one of the header (skipped without linux-libc-dev)', () => {
    const kernel = numbersOf(header ?? '');
    expect(kernel.size).toBeGreaterThan(250);
    const newest = Math.max(...kernel.values());
    const wrong = SYSCALL_NAMES.filter((name) => {
      const ours = syscallNumber(name, architecture);
      const theirs = kernel.get(name);
      // A header older than the call does not know it.
      if (theirs === undefined && ours !== undefined) return ours <= newest;
      return ours !== theirs;
    });
    expect(wrong).toEqual([]);
  });
});

test('the last call is one that both tables could hold, and no number passes it', () => {
  for (const architecture of ['x86_64', 'aarch64'] as const)
    expect(Math.max(...SYSCALL_NAMES.map((name) => syscallNumber(name, architecture) ?? 0))).toBeLessThanOrEqual(LAST_SYSCALL);
});

test('an unknown processor is refused, never guessed', () => {
  expect(architectureOf('x64')).toBe('x86_64');
  expect(architectureOf('arm64')).toBe('aarch64');
  for (const name of ['arm', 'ia32', 'riscv64', '']) expect(() => architectureOf(name)).toThrow(/no system call filter/);
});
