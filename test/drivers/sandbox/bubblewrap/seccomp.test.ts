import { describe, expect, test } from 'vitest';
import { buildSeccompFilter } from '../../../../src/drivers/sandbox/bubblewrap/seccomp.ts';
import type { FilterOptions } from '../../../../src/drivers/sandbox/bubblewrap/seccomp.ts';
import { AUDIT_ARCH, syscallNumber } from '../../../../src/drivers/sandbox/bubblewrap/syscalls.ts';
import type { Architecture, SyscallName } from '../../../../src/drivers/sandbox/bubblewrap/syscalls.ts';
import { runFilter } from '../../../support/bpf-interpreter.ts';

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;
const EAFNOSUPPORT = 0x00050061;

const PLAIN: FilterOptions = { allowUnix: true, devel: false, denyMemfd: false };

/**
 * Numbers refused whatever their arguments, written down a second time and by number: the oracle shares nothing with the table.
 * clone, ioctl, socket... look at arguments: with all of them 0 they pass, but for those in `ZERO_REFUSED`.
 */
const REFUSED: Record<Architecture, { readonly eperm: readonly number[]; readonly enosys: readonly number[] }> = {
  x86_64: {
    eperm: [
      101, 103, 134, 136, 139, 153, 154, 155, 156, 159, 161, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 174, 175, 176, 177, 178,
      179, 180, 212, 227, 237, 238, 239, 246, 248, 249, 250, 256, 272, 279, 298, 300, 301, 303, 304, 305, 308, 310, 311, 312, 313, 317, 320,
      321, 323, 425, 426, 427, 438, 440, 443, 450,
    ],
    enosys: [428, 429, 430, 431, 432, 433, 435, 442, 457, 458, 459, 460, 461, 467, 468, 469, 470],
  },
  aarch64: {
    eperm: [
      18, 39, 40, 41, 42, 51, 58, 60, 89, 97, 104, 105, 106, 112, 116, 117, 142, 161, 162, 170, 171, 217, 218, 219, 224, 225, 235, 236, 237,
      238, 239, 241, 262, 263, 264, 265, 266, 268, 270, 271, 272, 273, 277, 280, 282, 294, 425, 426, 427, 438, 440, 443, 450,
    ],
    enosys: [428, 429, 430, 431, 432, 433, 435, 442, 457, 458, 459, 460, 461, 467, 468, 469, 470],
  },
};
/** socket and socketpair of family 0. */
const ZERO_REFUSED: Record<Architecture, readonly number[]> = { x86_64: [41, 53], aarch64: [198, 199] };

describe.each(['x86_64', 'aarch64'] as const)('filter of %s', (architecture) => {
  const arch = AUDIT_ARCH[architecture];
  const verdict = (name: SyscallName, args: readonly (number | bigint)[] = [], options: Partial<FilterOptions> = {}): number => {
    const nr = syscallNumber(name, architecture);
    if (nr === undefined) throw new Error(`${name} is not a call of ${architecture}`);
    return runFilter(buildSeccompFilter(architecture, { ...PLAIN, ...options }), { arch, nr, args: args.map(BigInt) });
  };

  test('every number from 0 to 470 gets the answer of the oracle', () => {
    const program = buildSeccompFilter(architecture, PLAIN);
    const { eperm, enosys } = REFUSED[architecture];
    for (let nr = 0; nr <= 470; nr += 1) {
      const expected = eperm.includes(nr)
        ? EPERM
        : enosys.includes(nr)
          ? ENOSYS
          : ZERO_REFUSED[architecture].includes(nr)
            ? EAFNOSUPPORT
            : ALLOW;
      expect([nr, runFilter(program, { arch, nr })]).toEqual([nr, expected]);
    }
  });

  test('another architecture kills, x32 and unknown numbers do not exist', () => {
    const program = buildSeccompFilter(architecture, PLAIN);
    for (const other of [0x40000003, 0x40000028, 0, 0xffffffff, architecture === 'x86_64' ? AUDIT_ARCH.aarch64 : AUDIT_ARCH.x86_64])
      expect(runFilter(program, { arch: other, nr: 0 })).toBe(KILL);
    for (const nr of [0x40000000, 0x40000001, 0x40000000 + 101, 0x7fffffff, 0xffffffff, 10_000])
      expect([nr, runFilter(program, { arch, nr })]).toEqual([nr, ENOSYS]);
  });

  test('clone makes processes and threads, no namespaces', () => {
    const SIGCHLD = 17;
    const vfork = 0x100 | 0x4000 | SIGCHLD;
    const thread = 0x3d0f00;
    for (const flags of [SIGCHLD, vfork, thread]) expect(verdict('clone', [flags])).toBe(ALLOW);
    for (const flag of [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]) {
      expect(verdict('clone', [flag])).toBe(EPERM);
      expect(verdict('clone', [flag | vfork])).toBe(EPERM);
      expect(verdict('clone', [BigInt(flag) | 0xdead_0000_0000_0000n])).toBe(EPERM);
    }
  });

  test('ioctl does not type into terminals, also with bits above the low word', () => {
    const TCGETS = 0x5401;
    expect(verdict('ioctl', [0, TCGETS])).toBe(ALLOW);
    for (const request of [0x5412, 0x541c, 0x5423]) {
      expect(verdict('ioctl', [0, request])).toBe(EPERM);
      expect(verdict('ioctl', [0, BigInt(request) | 0xdead_0000_0000n])).toBe(EPERM);
    }
  });

  test('personality: the known harmless ones', () => {
    for (const persona of [0, 8, 0x20000, 0x20008, 0x40000, 0xffffffff, 0xffff_ffff_ffff_ffffn])
      expect(verdict('personality', [persona])).toBe(ALLOW);
    for (const persona of [0x0400000, 0x0100000, 0x60000, 1, 6]) expect(verdict('personality', [persona])).toBe(EPERM);
  });

  test('sockets: internet, route, and unix when allowed', () => {
    expect(verdict('socket', [2, 1, 0])).toBe(ALLOW);
    expect(verdict('socket', [10, 2, 17])).toBe(ALLOW);
    expect(verdict('socket', [16, 3, 0])).toBe(ALLOW);
    expect(verdict('socket', [1, 1, 0])).toBe(ALLOW);
    expect(verdict('socket', [1, 1, 0], { allowUnix: false })).toBe(EAFNOSUPPORT);
    for (const protocol of [6, 9, 12, 15, 16]) expect(verdict('socket', [16, 3, protocol])).toBe(EAFNOSUPPORT);
    // packet, vsock, alg, bluetooth, tipc, xdp, and the rest
    for (let family = 0; family < 64; family += 1)
      if (![1, 2, 10, 16].includes(family)) expect([family, verdict('socket', [family, 3, 0])]).toEqual([family, EAFNOSUPPORT]);
    expect(verdict('socketpair', [1, 1, 0], { allowUnix: false })).toBe(ALLOW);
    expect(verdict('socketpair', [30, 1, 0])).toBe(EAFNOSUPPORT);
  });

  test('pid 1 is out of reach, oneself and others are not', () => {
    const single = [
      'prlimit64',
      'sched_setscheduler',
      'sched_setparam',
      'sched_setattr',
      'sched_setaffinity',
      'kill',
      'tkill',
      'rt_sigqueueinfo',
      'pidfd_open',
    ] as const;
    for (const name of single) {
      expect([name, verdict(name, [1, 9])]).toEqual([name, EPERM]);
      expect([name, verdict(name, [0x1_0000_0001n, 9])]).toEqual([name, EPERM]);
      for (const pid of [0, 2, 4242, 0xffff_ffff_ffff_ffffn]) expect([name, verdict(name, [pid, 9])]).toEqual([name, ALLOW]);
    }
    for (const name of ['tgkill', 'rt_tgsigqueueinfo'] as const) {
      expect(verdict(name, [1, 1])).toBe(EPERM);
      expect(verdict(name, [7, 1])).toBe(EPERM);
      expect(verdict(name, [1, 7])).toBe(EPERM);
      expect(verdict(name, [7, 8, 1])).toBe(ALLOW);
    }
    for (const [name, process, user] of [
      ['setpriority', 0, 2],
      ['ioprio_set', 1, 3],
    ] as const) {
      expect(verdict(name, [process, 0, 5])).toBe(ALLOW);
      expect(verdict(name, [process, 9, 5])).toBe(ALLOW);
      expect(verdict(name, [process, 1, 5])).toBe(EPERM);
      expect(verdict(name, [process + 1, 1, 5])).toBe(EPERM);
      expect(verdict(name, [user, 0, 5])).toBe(EPERM);
    }
  });

  test('no file tells pid 1 anything by a signal of choice; other fcntl work', () => {
    expect(verdict('fcntl', [3, 10, 15])).toBe(EPERM);
    expect(verdict('fcntl', [3, 0xdead_0000_000an, 15])).toBe(EPERM);
    for (const command of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 15, 16, 1024, 1030, 1033])
      expect(verdict('fcntl', [3, command, 1])).toBe(ALLOW);
  });

  test('what the supervisor and every program need is there', () => {
    const needed = {
      x86_64: [0, 1, 7, 20, 23, 57, 58, 59, 61, 112, 157, 281, 282, 283, 289, 290, 291, 424, 436, 437, 444],
      aarch64: [63, 64, 73, 22, 74, 85, 95, 157, 167, 220, 221, 260, 424, 436, 437, 444],
    };
    const program = buildSeccompFilter(architecture, PLAIN);
    for (const nr of needed[architecture]) expect([nr, runFilter(program, { arch, nr, args: [5n, 5n, 5n] })]).toEqual([nr, ALLOW]);
  });

  test('options change what they name and nothing else', () => {
    const changed = (options: Partial<FilterOptions>): number[] => {
      const plain = buildSeccompFilter(architecture, PLAIN);
      const other = buildSeccompFilter(architecture, { ...PLAIN, ...options });
      const args = [1n, 9n];
      return Array.from({ length: 471 }, (_, nr) => nr).filter(
        (nr) => runFilter(plain, { arch, nr, args }) !== runFilter(other, { arch, nr, args }),
      );
    };
    const at = (...names: SyscallName[]): number[] =>
      names.map((name) => syscallNumber(name, architecture) ?? -1).toSorted((a, b) => a - b);
    expect(changed({ devel: true })).toEqual(at('ptrace', 'perf_event_open'));
    expect(changed({ denyMemfd: true })).toEqual(at('memfd_create', 'memfd_secret', 'shmget'));
    expect(changed({ allowUnix: false })).toEqual(at('socket'));
  });

  test('the program is short enough for every start', () => {
    expect(buildSeccompFilter(architecture, PLAIN).byteLength).toBeLessThan(2400);
  });
});
