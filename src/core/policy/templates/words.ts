/** A word of a template as text and places, in order. */
export type TemplatePart = { readonly text: string } | { readonly place: string };
export type TemplateWord = readonly TemplatePart[];

const TOKEN = /\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** `{name}` is a place, `{{` and `}}` are braces, any other brace is text. */
export const readTemplateWord = (word: string): TemplateWord => {
  const parts: TemplatePart[] = [];
  let literal = '';
  let at = 0;
  for (const found of word.matchAll(TOKEN)) {
    literal += word.slice(at, found.index);
    at = found.index + found[0].length;
    if (found[1] === undefined) {
      literal += found[0].slice(0, 1);
      continue;
    }
    if (literal !== '') parts.push({ text: literal });
    literal = '';
    parts.push({ place: found[1] });
  }
  literal += word.slice(at);
  if (literal !== '' || parts.length === 0) parts.push({ text: literal });
  return parts;
};

export const placesOf = (word: TemplateWord): readonly string[] => word.flatMap((part) => ('place' in part ? [part.place] : []));
