import { describe, expect, it } from 'vitest';
import { needsBash } from '../../../src/core/executions/shell.ts';

describe('needsBash', () => {
  it.each(['echo hi', 'ls -la /usr', 'npm test', 'cargo build --release', ''])('%s runs under any shell', (text) =>
    expect(needsBash(text)).toBe(false),
  );
  it.each(['[[ a == b ]]', 'echo -e a', 'source env', 'echo {1..3}', 'a=(1 2)', 'cat <<< x', "echo $'x'", 'set -o pipefail', 'x=1 y'])(
    '%s is left to bash',
    (text) => expect(needsBash(text)).toBe(true),
  );
});
