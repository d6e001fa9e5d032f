import type { App } from '../../core/app.ts';
import { CorralError } from '../../ports/errors.ts';

const PAGE = 500;
const MAX_TOLD = 5;

const pick = (kind: string, given: string, found: readonly string[], list: string): string => {
  const [only, ...more] = found;
  if (only === undefined) throw new CorralError('not_found', `There is no ${kind} "${given}".`, { hint: `\`${list}\` lists them.` });
  if (more.length === 0) return only;
  const told = found.slice(0, MAX_TOLD).join(', ');
  throw new CorralError(
    'invalid_input',
    `"${given}" begins the names of ${found.length > MAX_TOLD ? 'many' : found.length}: ${told}${found.length > MAX_TOLD ? ', ...' : ''}.`,
    {
      hint: 'Give more of the name.',
    },
  );
};

/** The execution whose id this is, or begins with this. Throws `not_found`, or `invalid_input` when there are several. */
export const findExecution = async (app: App, given: string): Promise<string> => {
  const exact = await app.executions.look(given).catch((error: unknown) => {
    if (error instanceof CorralError && error.code === 'not_found') return undefined;
    throw error;
  });
  if (exact !== undefined) return exact.record.id;
  const found: string[] = [];
  for (let before: string | undefined; ;) {
    const page = await app.executions.list({ limit: PAGE, before });
    found.push(...page.filter(({ id }) => id.startsWith(given)).map(({ id }) => id));
    if (page.length < PAGE || found.length > MAX_TOLD) return pick('execution', given, found, 'corral ps --all');
    before = page.at(-1)?.id;
  }
};

/** The sandbox whose id this is, or begins with this. */
export const findSandbox = async (app: App, given: string): Promise<string> => {
  const records = await app.sandboxes.records();
  const exact = records.find(({ id }) => id === given);
  if (exact !== undefined) return exact.id;
  const living = records.filter(({ id, state }) => id.startsWith(given) && state !== 'ended' && state !== 'failed').map(({ id }) => id);
  return pick('living sandbox', given, living, 'corral sandbox ls');
};
