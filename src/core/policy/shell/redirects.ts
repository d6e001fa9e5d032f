import type { Redirection } from 'unbash';
import { isLiteral, wordText, type Redirect, type RedirectTarget } from './plan.ts';
import { refuse } from './refuse.ts';
import { readWord, type Variables } from './words.ts';

const MODES = { '>': 'write', '>|': 'write', '&>': 'write', '>>': 'append', '&>>': 'append', '<': 'read' } as const;

const readTarget = (redirect: Redirection & { readonly type: 'Redirect' }, variables: Variables): RedirectTarget => {
  const { operator, target, pos } = redirect;
  if (target === undefined) return refuse('a redirection without a target', pos);
  const word = readWord(target, variables);
  if (!isLiteral(word)) return refuse('a pattern or ~ as the target of a redirection', target.pos, 'write the file name');
  const path = wordText(word);
  if (operator === '>&') {
    if (target.text !== '1' && target.text !== '2') return refuse(`>&${target.text}`, pos, 'only >&1 and >&2 are accepted');
    return { kind: 'fd', fd: target.text === '1' ? 1 : 2 };
  }
  if (operator === '<&' || operator === '<>') return refuse(operator, pos);
  if (path === '') return refuse('a redirection to an empty name', pos);
  return path === '/dev/null' ? { kind: 'null' } : { kind: 'file', path, mode: MODES[operator] };
};

/** One redirection as the steps that a runner carries out; `&>` is two. */
export const readRedirection = (node: Redirection, variables: Variables): readonly Redirect[] => {
  const { descriptor } = node;
  if (descriptor !== undefined && descriptor.type !== 'FileDescriptor') return refuse('a named file descriptor', node.pos);
  const given = descriptor?.value;
  if (node.type === 'HereString') return refuse('a here-string', node.pos);
  if (node.type === 'HereDoc') {
    if (node.operator !== '<<' || node.delimiter?.quoted !== true)
      return refuse('a here-document that expands', node.pos, "quote its delimiter: <<'EOF'");
    if (!/^[A-Za-z0-9_]+$/.test(node.delimiter.value))
      return refuse('a delimiter', node.delimiter.pos, 'only letters, digits and _ are accepted');
    if (node.closing === undefined || (given !== undefined && given !== 0))
      return refuse('a here-document', node.pos, 'it must end, and feed standard input');
    return [{ fd: 0, target: { kind: 'data', data: node.body.text } }];
  }
  const target = readTarget(node, variables);
  const input = node.operator === '<';
  const fd = given ?? (input ? 0 : 1);
  if (fd !== (input ? 0 : 1) && (input || fd !== 2))
    return refuse(`file descriptor ${String(fd)}`, node.pos, 'only 0, 1 and 2 are accepted, each its own way');
  if (node.operator === '&>' || node.operator === '&>>')
    return [
      { fd: 1, target },
      { fd: 2, target: { kind: 'fd', fd: 1 } },
    ];
  return [{ fd, target }];
};
