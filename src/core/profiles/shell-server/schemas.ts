/** The arguments of the tools as the original shows them. */

const object = (properties: Readonly<Record<string, unknown>>, required: readonly string[] = []) =>
  ({ type: 'object', properties, ...(required.length > 0 && { required }) }) as const;

const text = (description: string) => ({ type: 'string', description }) as const;
const texts = (description: string) => ({ type: 'array', items: { type: 'string' }, description }) as const;
const flag = (description: string, standard: boolean) => ({ type: 'boolean', description, default: standard }) as const;

const command = texts('Command and its arguments as array elements');
const directory = text('Working directory for command execution (absolute path)');
const stdin = text('Input to be passed to the command');
const encoding = text("Character encoding for command output (e.g. 'utf-8', 'gbk', 'cp936')");
const processId = (description: string) => text(description);

export const executeSchema = object(
  {
    command,
    directory,
    stdin,
    timeout: { type: 'integer', description: 'Maximum execution time in seconds', minimum: 0, default: 15 },
    encoding,
  },
  ['command', 'directory'],
);

export const startSchema = object(
  {
    command,
    directory,
    description: text('Description of the command'),
    labels: texts('Labels to categorize the command'),
    stdin,
    envs: { type: 'object', additionalProperties: { type: 'string' }, description: 'Additional environment variables for the command' },
    encoding: text('Character encoding for command output'),
    timeout: { type: 'integer', description: 'Maximum execution time in seconds', minimum: 0 },
  },
  ['command', 'directory', 'description'],
);

export const listSchema = object({
  labels: texts('Filter processes by labels'),
  status: { type: 'string', enum: ['running', 'completed', 'failed', 'terminated', 'error'], description: 'Filter by status' },
});

export const stopSchema = object(
  { process_id: processId('ID of the process to stop'), force: flag('Whether to force stop the process', false) },
  ['process_id'],
);

export const logsSchema = object(
  {
    process_id: processId('ID of the process to get output from'),
    tail: { type: 'integer', description: 'Number of lines to show from the end', exclusiveMinimum: 0 },
    since: text("Show logs since timestamp (e.g. '2021-01-01T00:00:00')"),
    until: text("Show logs until timestamp (e.g. '2021-01-01T00:00:00')"),
    with_stdout: flag('Show standard output', true),
    with_stderr: flag('Show error output', false),
    add_time_prefix: flag('Add timestamp prefix to each output line', true),
    time_prefix_format: { ...text('Format for timestamp prefix'), default: '%Y-%m-%d %H:%M:%S.%f' },
  },
  ['process_id'],
);

const id = { type: ['string', 'integer'] } as const;

export const cleanSchema = object({ pids: { type: 'array', items: id, description: 'Ended processes to forget, by ID or pid' } }, ['pids']);

export const detailSchema = object({ pid: { ...id, description: 'ID or pid of the process' } }, ['pid']);
