import { invalidArgument } from './fault.ts';
import { kindOf } from './placeholder.ts';

/** Options by which common programs run code, read or write files, or say more than they were asked. */
const DANGEROUS_OPTION =
  /(?:^|\s)(-{1,2}(?:c|e|i|o|r|v|w|x|exec|execdir|ok|okdir|delete|eval|execute|command|code|run|init-command|checkpoint|checkpoint-action|to-command|use-compress-program|rsh|upload-pack|receive-pack|config|include|require|load|output|write-out|verbose|debug))(?=$|[\s=])/i;
const ENCODED = /%(?:25)*(?:2e|2f|5c)/i;
/** Line ends, other controls, and characters that change the direction of a text. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const DANGEROUS_START = /^[~&|;<>$`!#*?]/;
const META = /[&|;<>$`\\!*?()[\]{}]/;
const META_OF_REGEX = /[&;<>$`!]/;
const ROUNDS = 5;

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not an encoded text at all.
    return text;
  }
};

/** Everything the value could be taken for by something that decodes it, up to five times, or composes it: some signs become ASCII then. */
const readings = (value: string): readonly string[] => {
  const all = [value];
  for (let round = 0, last = value; round < ROUNDS; round += 1) {
    const next = decode(last);
    if (next === last) break;
    all.push(next);
    last = next;
  }
  return all.map((one) => one.normalize('NFC'));
};

/** The text outside of quotes. A quote that is never closed quotes nothing. */
const unquoted = (text: string): string => text.replace(/'[^']*'|"[^"]*"/g, ' ');

const isBalanced = (pattern: string): boolean => {
  const open: string[] = [];
  for (const letter of pattern.replace(/\\./gs, '')) {
    if (letter === '(' || letter === '[') open.push(letter === '(' ? ')' : ']');
    else if ((letter === ')' || letter === ']') && open.pop() !== letter) return false;
  }
  return open.length === 0;
};

/**
 * Refuses what is dangerous only where a shell, a URL decoder or a person reads the value. Arguments go to programs as they are, so this
 * protects nothing by itself, and it refuses harmless text; it is there for those who relied on it. Throws.
 */
export const checkLegacy = (name: string, value: string): void => {
  const { regex, path, flag } = kindOf(name);
  const option = DANGEROUS_OPTION.exec(value)?.[1];
  if (option !== undefined) throw invalidArgument(name, `contains dangerous command pattern '${option}'`, 'dangerous_pattern');
  if (ENCODED.test(value)) throw invalidArgument(name, 'contains encoded path traversal characters', 'encoded_traversal_attempt');
  if (readings(value).some((one) => UNSEEN.test(one) || one.includes('..') || one.includes('//')))
    throw invalidArgument(name, 'contains dangerous characters', path ? 'traversal_attempt' : 'injection_attempt');
  if (regex) {
    if (!isBalanced(value)) throw invalidArgument(name, 'unbalanced brackets/parentheses in regex', 'unbalanced_regex');
    if (META_OF_REGEX.test(unquoted(value.normalize('NFC'))))
      throw invalidArgument(name, 'contains dangerous shell metacharacters', 'injection_attempt');
    return;
  }
  if (DANGEROUS_START.test(value) && !flag) throw invalidArgument(name, 'starts with dangerous character', 'injection_attempt');
  if (META.test(unquoted(value.normalize('NFC'))))
    throw invalidArgument(name, 'contains dangerous shell metacharacters', 'injection_attempt');
};
