/**
 * Assembler for classic BPF, the language of seccomp filters. A record is {u16 code, u8 jt, u8 jf, u32 k}, little-endian.
 * Jumps are named and forward only; a program that cannot be encoded throws instead of jumping elsewhere.
 */

const LOAD_WORD = 0x20;
const JUMP_ALWAYS = 0x05;
const RETURN = 0x06;
const JUMP_IF = { equal: 0x15, greater: 0x25, atLeast: 0x35, anyBit: 0x45 } as const;

const RECORD_BYTES = 8;
/** The kernel's BPF_MAXINSNS. */
const MAX_RECORDS = 4096;
const MAX_CONDITIONAL_JUMP = 255;

export type Step =
  | { readonly op: 'load'; readonly offset: number }
  | { readonly op: 'jump-if'; readonly test: keyof typeof JUMP_IF; readonly value: number; readonly yes?: string; readonly no?: string }
  | { readonly op: 'jump'; readonly to: string }
  | { readonly op: 'label'; readonly name: string }
  | { readonly op: 'return'; readonly value: number };

/** Loads the 32-bit word at this byte of the data into the accumulator. */
export const load = (offset: number): Step => ({ op: 'load', offset });
/** Compares the accumulator; an absent target is the next step. */
export const jumpIf = (test: keyof typeof JUMP_IF, value: number, targets: { readonly yes?: string; readonly no?: string }): Step => ({
  op: 'jump-if',
  test,
  value,
  ...targets,
});
export const jump = (to: string): Step => ({ op: 'jump', to });
export const label = (name: string): Step => ({ op: 'label', name });
export const ret = (value: number): Step => ({ op: 'return', value });

const locateLabels = (steps: readonly Step[]): Map<string, number> => {
  const labels = new Map<string, number>();
  let index = 0;
  for (const step of steps) {
    if (step.op !== 'label') index += 1;
    else if (labels.has(step.name)) throw new Error(`BPF label ${step.name} is defined twice`);
    else labels.set(step.name, index);
  }
  return labels;
};

/** The program as the kernel wants it. */
export const assemble = (steps: readonly Step[]): Uint8Array => {
  const labels = locateLabels(steps);
  const records = steps.filter((step) => step.op !== 'label');
  if (records.length === 0 || records.length > MAX_RECORDS) throw new Error(`BPF program of ${String(records.length)} records`);
  if (records.at(-1)?.op !== 'return') throw new Error('BPF program does not end in a return');

  const distance = (from: number, name: string | undefined, limit: number): number => {
    if (name === undefined) return 0;
    const target = labels.get(name);
    if (target === undefined || target >= records.length) throw new Error(`BPF label ${name} leads nowhere`);
    const steps = target - from - 1;
    if (steps < 0 || steps > limit) throw new Error(`BPF jump to ${name} spans ${String(steps)} records`);
    return steps;
  };

  const bytes = new Uint8Array(records.length * RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  records.forEach((step, index) => {
    const put = (code: number, k: number, jt = 0, jf = 0): void => {
      const at = index * RECORD_BYTES;
      view.setUint16(at, code, true);
      view.setUint8(at + 2, jt);
      view.setUint8(at + 3, jf);
      view.setUint32(at + 4, k, true);
    };
    if (step.op === 'load') put(LOAD_WORD, step.offset);
    else if (step.op === 'return') put(RETURN, step.value);
    else if (step.op === 'jump') put(JUMP_ALWAYS, distance(index, step.to, MAX_RECORDS));
    else
      put(JUMP_IF[step.test], step.value, distance(index, step.yes, MAX_CONDITIONAL_JUMP), distance(index, step.no, MAX_CONDITIONAL_JUMP));
  });
  return bytes;
};
