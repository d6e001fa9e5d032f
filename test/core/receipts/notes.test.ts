import { describe, expect, it } from 'vitest';
import { metaOf, recordFromMeta } from '../../../src/core/executions/records.ts';
import { checkedNotes, notesAtEnd, notesAtStart, readNotes } from '../../../src/core/receipts/notes.ts';
import type { Exit } from '../../../src/ports/sandbox.ts';
import { anExecution } from '../../contract/store.ts';

const exit = (change: Partial<Exit>): Exit => ({
  execution: 'x',
  outcome: { kind: 'exited', code: 0 },
  step: 0,
  startedMs: 1,
  durationMs: 1,
  usage: { userUs: 0, systemUs: 0, maxRssBytes: 0 },
  stdout: { bytes: 0, newlines: 0 },
  stderr: { bytes: 0, newlines: 0 },
  background: 0,
  ...change,
});
const changes = { created: ['a'], changed: [], removed: ['b/'], more: 3, complete: false, why: 'because' };
const decision = { verdict: 'ask', rule: 'r1', reason: 'a person said so', caps: {}, programs: [] } as const;

describe('notes of a receipt', () => {
  it('keep the rule and the limits from the start, and what was seen from the end', () => {
    const start = notesAtStart({ decision, rulesFile: '/rules.yaml', timeoutMs: 5, outputBytes: 6 });
    expect(readNotes(notesAtEnd(start, exit({ ports: [80], changes })))).toEqual({
      rule: { verdict: 'ask', rule: 'r1', reason: 'a person said so', file: '/rules.yaml' },
      limits: { timeoutMs: 5, outputBytes: 6 },
      ports: [80],
      files: changes,
    });
  });

  it('are left as they are by an end that tells nothing', () => {
    const start = notesAtStart({ timeoutMs: 0, outputBytes: 6 });
    expect(readNotes(start)).toEqual({ limits: { outputBytes: 6 } });
    expect(notesAtEnd(start, exit({ ports: [] }))).toBe(start);
    expect(notesAtEnd(undefined, exit({}))).toBeUndefined();
  });

  it('travel with the execution, so that another server can write them anew', () => {
    const receipt = notesAtStart({ decision, timeoutMs: 5, outputBytes: 6 });
    const found = { execution: 'x1', pid: 1, startedMs: 2, stdoutBytes: 0, stderrBytes: 0 };
    const again = recordFromMeta('s1', { ...found, meta: metaOf(anExecution('x1', { receipt })) });
    expect(readNotes(again.receipt)).toEqual(readNotes(receipt));
    expect(recordFromMeta('s1', { ...found, meta: metaOf(anExecution('x1')) }).receipt).toBeUndefined();
  });

  it.each([
    ['no JSON', 'no {'],
    ['another type', '[1]'],
    ['nothing', 'null'],
    ['ports that are none', '{"ports":[0,70000,"x"]}'],
    ['too many ports', JSON.stringify({ ports: Array.from({ length: 65 }, () => 1) })],
    ['a rule of a wrong shape', '{"rule":{"verdict":"deny","rule":"r","reason":""}}'],
    ['too many files', JSON.stringify({ files: { ...changes, created: Array.from({ length: 101 }, () => 'x') } })],
    ['what nobody knows', '{"__proto__":{"rule":1},"other":2}'],
  ])('from a sandbox are dropped where they do not fit: %s', (_what, text) => {
    expect(readNotes(text)).toEqual({});
    expect(checkedNotes(text)).toBeUndefined();
  });

  it('with one bad part keep the others', () => {
    expect(readNotes('{"ports":[0],"limits":{"outputBytes":1}}')).toEqual({ limits: { outputBytes: 1 } });
  });
});
