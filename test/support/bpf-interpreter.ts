export interface Call {
  readonly arch: number;
  readonly nr: number;
  readonly args?: readonly bigint[];
}

/** Runs a seccomp program as the kernel would and gives the value it returns. Throws on whatever the kernel's checker refuses. */
export const runFilter = (program: Uint8Array, call: Call): number => {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call.nr >>> 0, true);
  data.setUint32(4, call.arch, true);
  (call.args ?? []).forEach((value, index) => data.setBigUint64(16 + 8 * index, BigInt.asUintN(64, value), true));

  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const length = program.byteLength / 8;
  let accumulator = 0;
  for (let pc = 0; pc < length; pc += 1) {
    const at = pc * 8;
    const k = code.getUint32(at + 4, true);
    const branch = (taken: boolean): void => {
      pc += code.getUint8(at + (taken ? 2 : 3));
    };
    switch (code.getUint16(at, true)) {
      case 0x20:
        if (k % 4 !== 0 || k >= 64) throw new Error(`load of offset ${String(k)}`);
        accumulator = data.getUint32(k, true);
        break;
      case 0x05:
        pc += k;
        break;
      case 0x15:
        branch(accumulator === k);
        break;
      case 0x25:
        branch(accumulator > k);
        break;
      case 0x35:
        branch(accumulator >= k);
        break;
      case 0x45:
        branch((accumulator & k) !== 0);
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`unknown code at record ${String(pc)}`);
    }
  }
  throw new Error('ran off the end');
};
