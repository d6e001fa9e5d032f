/** Pages of docs/reference, from the sources. Each takes what scripts/docs.mjs loads. */

const GENERATED = '<!-- Written by scripts/docs.mjs from the sources. Change those, then run it. -->';

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');

const table = (heads, rows) => [heads, heads.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

/** A JSON schema in a few words. */
const typeWords = (schema) => {
  if (schema === true || Object.keys(schema).length === 0) return 'anything';
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeWords).join(' or ');
  if (schema.type === 'array') return `list of ${typeWords(schema.items ?? {})}`;
  if (schema.type !== 'object') return schema.type + bounds(schema);
  if (schema.properties === undefined) return `map of ${typeWords(schema.additionalProperties ?? {})}`;
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties).map(
    ([name, field]) => `\`${name}\`${required.has(name) ? '' : '?'}: ${typeWords(field)}`,
  );
  return `{${fields.join('; ')}}`;
};

const bounds = ({ minimum, maximum, exclusiveMinimum }) => {
  const low = minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const high = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (low !== undefined && high !== undefined) return `, ${low} to ${high}`;
  const above = low === undefined ? (exclusiveMinimum === undefined ? '' : `, over ${exclusiveMinimum}`) : `, at least ${low}`;
  return high === undefined ? above : `${above}, at most ${high}`;
};

const EFFECTS = { read: 'reads only', write: 'changes files', execute: 'runs or ends programs', admin: 'changes the server' };

const toolSection = (operation, z) => {
  const input = z.toJSONSchema(operation.input, { io: 'input' });
  const required = new Set(input.required ?? []);
  const rows = Object.entries(input.properties ?? {}).map(([name, schema]) => [
    `\`${name}\``,
    typeWords(schema),
    required.has(name) ? 'yes' : '',
    schema.description ?? '',
  ]);
  return [
    `## ${operation.tool}`,
    operation.description,
    `Operation \`${operation.name}\`; ${EFFECTS[operation.effect]}.`,
    table(['argument', 'type', 'required', 'meaning'], rows),
  ].join('\n\n');
};

/** Operations are data: nothing that they would call is needed to describe them. */
const catalogueOf = ({ createCatalogue, configSchema }) => {
  const config = configSchema.parse({ stateDir: '/state' });
  const absent = new Proxy({}, { get: () => undefined });
  return createCatalogue({
    config,
    executions: absent,
    sandboxes: absent,
    presenter: absent,
    watch: absent,
    search: absent,
    screens: absent,
    tools: absent,
    logs: absent,
    drivers: new Map(),
    shells: { sh: '/bin/sh', bash: '/bin/bash' },
  });
};

export const toolsPage = (sources) => {
  const { z, ERROR_CODES, OUTCOME_KINDS, CorralError } = sources;
  const operations = catalogueOf(sources).filter(({ unlisted }) => unlisted !== true);
  return `${[
    '# Tools',
    GENERATED,
    'What a client of the MCP server sees, in the order of `tools/list`. Times are in seconds in arguments and in milliseconds in results; sizes are in bytes. Fields that say nothing are left out of results.',
    operations.map(({ tool, title }) => `- [${tool}](#${tool}): ${title}`).join('\n'),
    ...operations.map((operation) => toolSection(operation, z)),
    '## Outcomes',
    'How an execution ended, in `outcome.kind`. The first cause wins; `code` and `signal` say how its leader really ended.',
    OUTCOME_KINDS.map((kind) => `\`${kind}\``).join(', '),
    '## Errors',
    'A program that failed is a result. When Corral could not run it, the result is marked as an error and holds `error` with `code`, `message` and `hint`; where nothing better is known, the hint is this:',
    table(
      ['code', 'hint'],
      ERROR_CODES.map((code) => [`\`${code}\``, new CorralError(code, '').hint]),
    ),
  ].join('\n\n')}\n`;
};

export const configPage = ({ createFlags, variableOf, flagUsage, flagMeaning }) =>
  `${[
    '# Configuration',
    GENERATED,
    'Flags win over environment variables, those over the configuration file, that over the defaults. The file is YAML or JSON, a map of the names in the first column, at `~/.config/corral/config.yaml` or where `--config` or `CORRAL_CONFIG` says. Lists are repeated as flags and separated by commas in variables. `corral config show` says what holds and why.',
    table(
      ['option', 'flag', 'variable', 'meaning'],
      createFlags().map((flag) => [`\`${flag.key}\``, `\`${flagUsage(flag)}\``, `\`${variableOf(flag.key)}\``, flagMeaning(flag)]),
    ),
  ].join('\n\n')}\n`;

const COLUMNS = 110;

const commandsOf = (command) => [command, ...command.commands.flatMap((one) => commandsOf(one))];

const nameOf = (command) => (command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`);

export const cliPage = ({ createProgram, createFlags }) => {
  const program = createProgram({
    argv: [],
    context: { version: '', env: { NO_COLOR: '1' }, cwd: '/', openApp: () => undefined },
    flags: createFlags(),
    done: () => undefined,
  });
  const sections = commandsOf(program).map((command) => {
    command.configureOutput({ getOutHelpWidth: () => COLUMNS, getOutHasColors: () => false });
    return `## ${nameOf(command)}\n\n\`\`\`text\n${command.helpInformation().trimEnd()}\n\`\`\``;
  });
  return `${[
    '# Command line',
    GENERATED,
    'Every command also takes the options of the [configuration](config.md), before or after its name. Errors are `corral: message` and `hint: what to do` on stderr; with `--json` they are a JSON object on stdout. There is no colour where stdout is no terminal or `NO_COLOR` is set.',
    table(
      ['exit code', 'meaning'],
      [
        ['0', 'done'],
        ['1', 'failed'],
        ['2', 'wrong usage'],
        ['124', '`run`: the deadline passed'],
        ['125', '`run`: Corral could not run the command'],
        ['128 + N', '`run`: ended by signal N, or by a limit (137); 130 after Ctrl-C; 141 when nobody reads the output any more'],
        ['other', '`run`: that of the program'],
      ],
    ),
    ...sections,
  ].join('\n\n')}\n`;
};
