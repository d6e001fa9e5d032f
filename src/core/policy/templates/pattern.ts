/** One atom of a pattern and how often it may come. */
const ATOM = /(?:\\[dDwWsS.\\/|()[\]{}+*?^$-]|\[\^?(?:\\[dDwWsS\\\]^-]|[^\\\]])+\]|[^\\[\](){}+*?|^$])([+*?]|\{\d{1,4}(?:,\d{0,4})?\})?/y;
const UNBOUNDED = /^[+*]$|,\}$/;

/**
 * A pattern for a whole value, or why it is refused. Accepted are characters, classes and their repetition, in a row: at most two of the repetitions without
 * end, so that a match takes no more than quadratic time in a value of bounded length. No groups, alternatives, look-around or back references.
 */
export const compilePattern = (source: string): RegExp | string => {
  let body = source;
  if (body.startsWith('^')) body = body.slice(1);
  if (body.endsWith('$') && !body.endsWith('\\$')) body = body.slice(0, -1);
  let endless = 0;
  for (let at = 0; at < body.length; at += ATOM.lastIndex - at) {
    ATOM.lastIndex = at;
    const found = ATOM.exec(body);
    if (found === null) return `at character ${String(at + 1)}: only characters, classes and their repetition are accepted`;
    if (found[1] !== undefined && UNBOUNDED.test(found[1])) endless += 1;
  }
  if (endless > 2) return 'more than two repetitions have no end';
  try {
    return new RegExp(`^(?:${body})$`, 'u');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};
