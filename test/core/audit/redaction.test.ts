import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { learnSecrets, recordableInput } from '../../../src/core/audit/input.ts';
import { isSecretName } from '../../../src/core/audit/redact/names.ts';
import { createRedactor } from '../../../src/core/audit/redact/redactor.ts';
import { createStreamRedactor } from '../../../src/core/audit/redact/stream.ts';

const SECRET = 'hunter2hunter2';

describe('names', () => {
  it.each([
    'password',
    'PGPASSWORD',
    'dbPass',
    'API_KEY',
    'x-api-key',
    'accessToken',
    'client_secret',
    'Set-Cookie',
    'Authorization',
    'AWS_SESSION_TOKEN',
    'MYSQL_PWD',
    'authToken',
  ])('%s is secret', (name) => expect(isSecretName(name)).toBe(true));
  it.each(['PATH', 'PWD', 'OLDPWD', 'keyboard', 'author', 'monkey', 'HOME', 'compass', 'path'])('%s is not', (name) =>
    expect(isSecretName(name)).toBe(false),
  );
});

describe('text', () => {
  it.each([
    `mysql --password ${SECRET} -u root`,
    `mysql --password='${SECRET} x' db`,
    `PGPASSWORD=${SECRET} psql`,
    `export API_TOKEN=a"b ${SECRET}"c`,
    `curl -u bob:${SECRET} https://host/`,
    `curl https://bob:${SECRET}@host/x`,
    `curl 'https://host/?a=1&access_token=${SECRET}&b=2'`,
    `curl -H "Authorization: Bearer ${SECRET}" x`,
    `curl -H 'Cookie: a=b; sid=${SECRET}; c=d' x`,
    `{"user":"bob","password":"a b ${SECRET}"}`,
    `{\\"password\\": \\"a b ${SECRET}\\", \\"x\\": 1}`,
    `{'api_key': '${SECRET}'}`,
    `password: ${SECRET}`,
    `sshpass -p ${SECRET} ssh host`,
    `kubectl --token ${SECRET} get pods`,
  ])('no value behind a secret name: %s', (text) => {
    const shown = createRedactor().text(text);
    expect(shown).not.toContain(SECRET);
    expect(shown).toContain('[redacted]');
  });

  // Put together here, so that no scanner of sources takes them for real ones.
  it.each([
    ['AWS', `AKIA${'A1B2C3D4E5F6G7H8'}`],
    ['GitHub', `ghp_${'a1'.repeat(18)}`],
    ['GitHub fine-grained', `github_pat_${'a1'.repeat(20)}`],
    ['Slack', `xoxb-${'1234567890-'.repeat(2)}abcdef`],
    ['OpenAI', `sk-proj-${'aB3'.repeat(12)}`],
    ['Anthropic', `sk-ant-api03-${'aB3_'.repeat(12)}`],
    ['Stripe', `sk_live_${'a1'.repeat(12)}`],
    ['Google', `AIza${'aB3_'.repeat(9)}`],
    ['npm', `npm_${'a1'.repeat(18)}`],
    ['JWT', `eyJ${'hbGciOiJ'.repeat(3)}.eyJ${'zdWIiOi'.repeat(3)}.${'aB-_3'.repeat(6)}`],
    ['key block', `-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabcd\n-----END RSA PRIVATE KEY-----`],
    ['key block without an end', `-----BEGIN PRIVATE KEY-----\nMIIE\nabcd`],
  ])('a token of %s is known by its form', (_kind, token) => {
    expect(createRedactor().text(`see (${token})`)).toBe(
      `see ([redacted]${token.includes('END') || !token.startsWith('-----') ? ')' : ''}`,
    );
  });

  it('leaves ordinary commands as they are', () => {
    for (const text of [
      'git commit -m "fix: key handling"',
      'npm run build && ls -la dist',
      'grep -rn author src',
      'cd /work; echo $PWD',
      'ssh git@github.com',
      'docker run -u 1000 x',
    ])
      expect(createRedactor().text(text)).toBe(text);
  });

  it('tells how much is cut off', () => expect(createRedactor().text('x'.repeat(5000), 100)).toBe(`${'x'.repeat(100)}… (4900 more)`));
});

describe('argv', () => {
  it('covers the argument behind an option, whole', () => {
    const shown = createRedactor().argv([
      'tool',
      '--password',
      `a b ${SECRET}`,
      '--token=a b c',
      '-u',
      `me:${SECRET}`,
      '--verbose',
      'PGPASSWORD=x y z',
    ]);
    expect(shown).toEqual([
      'tool',
      '--password',
      '[redacted]',
      '--token=[redacted]',
      '-u',
      'me:[redacted]',
      '--verbose',
      'PGPASSWORD=[redacted]',
    ]);
  });
  it('does not hide the program behind an assignment in shell text', () => {
    expect(createRedactor().argv(['sh', '-c', `TOKEN=${SECRET} rm -rf /x`])).toEqual(['sh', '-c', 'TOKEN=[redacted] rm -rf /x']);
  });
});

describe('arguments of a call', () => {
  it('keeps no secret, no data, and learns the values of secret variables', () => {
    const redactor = createRedactor();
    const input = {
      command: `echo ${SECRET}`,
      env: { DB_PASSWORD: SECRET, LANG: 'C' },
      stdin: 'data',
      labels: { a: `x${SECRET}` },
      password: ['x'],
    };
    learnSecrets(redactor, input);
    expect(recordableInput(redactor, input)).toEqual({
      command: 'echo [redacted]',
      env: { DB_PASSWORD: '[redacted]', LANG: 'C' },
      stdin: { length: 4 },
      labels: { a: 'x[redacted]' },
      password: '[redacted]',
    });
  });
  it('is bounded whatever comes', () => {
    const huge = {
      command: Array.from({ length: 5000 }, () => 'x'.repeat(500)),
      labels: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`l${i}`, 'y'.repeat(5000)])),
    };
    expect(JSON.stringify(recordableInput(createRedactor(), huge)).length).toBeLessThan(40_000);
  });
});

/** Letters that are hard on matching: few, so that parts of secrets overlap with each other and with what is around them. */
const secretText = fc
  .string({ unit: fc.constantFrom('a', 'b', 'A', '1', '=', '/', ' ', 'é'), minLength: 8, maxLength: 40 })
  .filter((text) => text.trim().length >= 6);

describe('known values', () => {
  it('none survives, in any text', () => {
    fc.assert(
      fc.property(
        fc.array(secretText, { minLength: 1, maxLength: 5 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'A', '1', '=', '/', ' ', '-', '"') }), { maxLength: 6 }),
        (secrets, around) => {
          const redactor = createRedactor();
          for (const secret of secrets) redactor.know(secret);
          const text = around.flatMap((part, i) => [part, secrets[i % secrets.length] ?? '']).join('');
          const shown = redactor.text(text);
          for (const secret of secrets) expect(shown).not.toContain(secret);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is found percent-encoded and as base64', () => {
    const redactor = createRedactor();
    redactor.know('pa ss/wörd+1');
    const encoded = Buffer.from('pa ss/wörd+1 and more').toString('base64');
    const shown = redactor.text(`x=${encodeURIComponent('pa ss/wörd+1')} y ${Buffer.from('pa ss/wörd+1').toString('base64')} z ${encoded}`);
    expect(shown).not.toContain(encodeURIComponent('pa ss/wörd+1'));
    expect(shown).not.toContain(encoded.slice(0, 14));
  });

  it('none survives a stream, wherever it is cut', () => {
    const long = fc
      .integer({ min: 8, max: 4000 })
      .map((length) => Array.from({ length }, (_, i) => 'abcdefghij'[(i * 7 + (i >> 3)) % 10]).join(''));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(secretText, long), { minLength: 1, maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: 9000 }),
        (secrets, sizes, gap) => {
          const redactor = createRedactor();
          for (const secret of secrets) redactor.know(secret);
          const filler = '.'.repeat(gap);
          const text = [...secrets, ...secrets].map((secret, i) => `${filler}${i % 2 === 0 ? '\n' : ''}${secret}`).join('');
          const stream = createStreamRedactor(redactor);
          let shown = '';
          for (let at = 0, i = 0; at < text.length; i += 1) {
            const size = sizes[i % sizes.length] ?? 1;
            shown += stream.push(text.slice(at, at + size));
            at += size;
          }
          shown += stream.end();
          // Neither as a whole nor its beginning or its end, which a long one has in different pieces.
          for (const secret of secrets)
            for (const part of [secret, secret.slice(0, 1024), secret.slice(-1024)]) expect(shown).not.toContain(part);
          for (const secret of secrets) if (secret.length > 64) expect(shown).not.toContain(secret.slice(-32));
          expect(shown.split('.').length).toBe(text.split('.').length);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('a name and its value are not torn apart by a stream', () => {
    const stream = createStreamRedactor(createRedactor());
    let shown = '';
    for (const sign of `${'-'.repeat(4090)} --password ${SECRET} ${'x '.repeat(6000)}`) shown += stream.push(sign);
    expect(shown + stream.end()).not.toContain(SECRET);
  });

  it('a stream holds back a bounded amount', () => {
    const stream = createStreamRedactor(createRedactor());
    const shown = stream.push(`-----BEGIN PRIVATE KEY-----${'A'.repeat(300_000)}`);
    expect(shown).toContain('[redacted]');
    expect(shown.length).toBeGreaterThan(100_000);
  });

  it('too short to be a secret is not covered', () => {
    const redactor = createRedactor();
    redactor.know('ab');
    redactor.know('redacted');
    expect(redactor.text('ab redacted')).toBe('ab redacted');
  });
});

describe('time', () => {
  it.each([
    ['token beginnings', 'eyJ'],
    ['long names', 'password_'],
    ['options', '--password '],
    ['addresses', '://'],
    ['quotes', 'key="'],
    ['key blocks', '-----BEGIN PRIVATE KEY-----'],
    ['schemes', 'Bearer '],
    ['backslashes', 'key=\\'],
    ['dots', 'eyJaaaaa.eyJaaaaa.'],
  ])('is linear for %s', (_kind, piece) => {
    const redactor = createRedactor();
    redactor.know(piece.repeat(20));
    const time = (count: number): number => {
      const text = piece.repeat(count);
      return Math.min(
        ...Array.from({ length: 5 }, () => {
          const began = performance.now();
          redactor.spans(text);
          return performance.now() - began;
        }),
      );
    };
    time(2000);
    const small = time(2000);
    // Eight times the text: eight times the time, with room for noise; sixty-four would be quadratic.
    expect(time(16_000)).toBeLessThan(Math.max(small * 30, 8));
  });
});
