/** Parts of a name that make it secret when they stand alone: `API_KEY`, `ssh-key`, not `keyboard`. */
const PARTS: ReadonlySet<string> = new Set([
  'key',
  'auth',
  'oauth',
  'pass',
  'pw',
  'pwd',
  'passcode',
  'cred',
  'creds',
  'jwt',
  'bearer',
  'otp',
  'sig',
  'signature',
  'pat',
]);

/** What makes a name secret wherever it stands: `PGPASSWORD`, `authtoken`. */
const INSIDE = /passw|passphrase|secret|token|apikey|accesskey|privatekey|signingkey|credential|cookie|authoriz|authentic/;

const NOT_SECRET: ReadonlySet<string> = new Set(['pwd', 'oldpwd']);
/** End like `dbpass`, and mean nothing of the kind. */
const ORDINARY: ReadonlySet<string> = new Set(['compass', 'bypass', 'overpass', 'underpass']);
const MAX_NAME = 128;

/** Says the name of a variable, option, header or field that its value is not for others? */
export const isSecretName = (name: string): boolean => {
  const shown = name.length > MAX_NAME ? name.slice(-MAX_NAME) : name;
  const lower = shown.toLowerCase();
  if (NOT_SECRET.has(lower)) return false;
  if (INSIDE.test(lower.replace(/[^a-z0-9]/g, ''))) return true;
  const parts = shown
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return parts.some((part) => PARTS.has(part) || (part.endsWith('pass') && !ORDINARY.has(part)));
};

/** Every name that `isSecretName` accepts contains one of these: a quick look before the exact one. */
export const SECRET_HINT = /pass|pw|secret|token|key|auth|cred|cookie|jwt|bearer|otp|sig|pat/gi;
