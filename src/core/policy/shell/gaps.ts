import type { Script, Statement, PipelineNode, AndOr, Redirection, Assignment, Word } from 'unbash';
import { codePoint, INVISIBLE } from '../text.ts';
import { refuse } from './refuse.ts';

type Span = readonly [from: number, to: number];

/** Is this blanks, separators and comments alone? Which separators make sense together the parser has seen to. */
const isGap = (text: string): boolean => {
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '#') {
      const end = text.indexOf('\n', at);
      if (end < 0) return true;
      at = end;
    } else if (char === '\\' || char === '&') {
      if (text[at + 1] !== (char === '&' ? '&' : '\n')) return false;
      at += 1;
    } else if (!' \t\n;|'.includes(char)) return false;
  }
  return true;
};

/** What the grammar knows besides. */
const KEYWORDS = /\b(?:for|do|done|in|time)\b/g;

const partSpans = (part: Word | Assignment | Redirection, spans: Span[]): void => {
  spans.push([part.pos, part.end]);
  if (part.type !== 'HereDoc') return;
  spans.push([part.body.pos, part.body.end]);
  if (part.closing !== undefined) spans.push([part.closing.pos, part.closing.end]);
};

const pipelineSpans = (node: PipelineNode, spans: Span[], keywords: Span[]): void => {
  if (node.type === 'Pipeline') {
    for (const prefix of node.prefixes) keywords.push([prefix.pos, prefix.end]);
    for (const command of node.commands) pipelineSpans(command, spans, keywords);
  } else if (node.type === 'Command') {
    for (const part of node.prefix) partSpans(part, spans);
    if (node.name !== undefined) partSpans(node.name, spans);
    for (const part of node.suffix) partSpans(part, spans);
  } else if (node.type === 'For') {
    const first = node.body.commands[0]?.pos ?? node.end;
    const last = node.body.commands.at(-1)?.end ?? node.end;
    keywords.push([node.pos, first], [last, node.end]);
    for (const word of [node.name, ...(node.wordlist ?? [])]) partSpans(word, spans);
    statementSpans(node.body.commands, spans, keywords);
  }
};

const statementSpans = (statements: readonly Statement[], spans: Span[], keywords: Span[]): void => {
  for (const { command } of statements) {
    const parts: readonly PipelineNode[] = command.type === 'AndOr' ? (command satisfies AndOr).commands : [command];
    for (const part of parts) pipelineSpans(part, spans, keywords);
  }
};

/**
 * Accounts for every character: what no word, redirection or here-document covers has to be blank, a separator or a comment. A parser that recovers from a
 * mistake leaves characters out, and so does one that hides them in a comment.
 */
export const checkGaps = (text: string, script: Script): void => {
  const spans: Span[] = [];
  const keywords: Span[] = [];
  statementSpans(script.commands, spans, keywords);
  spans.sort(([one], [other]) => one - other);
  let at = 0;
  for (const [from, to] of [...spans, [text.length, text.length] as const]) {
    if (from < at) {
      if (to > at) refuse('this nesting', from);
      continue;
    }
    const start = at;
    const gap = text.slice(start, from);
    at = to;
    if (isGap(gap)) {
      const hidden = INVISIBLE.exec(gap);
      if (hidden !== null) refuse(`character ${codePoint(hidden[0])} in a comment`, start + hidden.index, 'nobody would see it');
      continue;
    }
    const plain = keywords.some(([first, last]) => first < from && last > start) ? gap.replace(KEYWORDS, '') : gap;
    if (!isGap(plain) || INVISIBLE.test(gap)) refuse(`${JSON.stringify(gap.trim().slice(0, 20))} between words`, start);
  }
};
