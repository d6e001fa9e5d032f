import type { Scan } from '../scan.ts';
import type { SummaryResult } from '../search-protocol.ts';
import { linesOf, summarise, type SummaryRequest } from './summarise.ts';

/** Collects both streams, stdout first, and summarises them at the end. */
export const scanSummary = (request: SummaryRequest & { readonly stdoutBytes: number }): Scan<SummaryResult> => {
  const chunks: Uint8Array[] = [];
  return {
    push(chunk) {
      // What is pushed is only lent.
      chunks.push(Uint8Array.from(chunk));
      return true;
    },
    finish() {
      const bytes = Buffer.concat(chunks);
      const lines = linesOf(bytes.subarray(0, request.stdoutBytes));
      for (const line of linesOf(bytes.subarray(request.stdoutBytes))) lines.push(line);
      const summary = summarise(lines, request);
      return summary === undefined ? {} : { summary };
    },
  };
};
