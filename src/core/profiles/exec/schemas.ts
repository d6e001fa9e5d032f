/** The arguments of the tools as the original's framework shows them: made of the signatures of functions. */

interface Property {
  readonly [key: string]: unknown;
}

const titled = (name: string): string =>
  name
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');

const text = { type: 'string' } as const;
const whole = { type: 'integer' } as const;
const yesNo = { type: 'boolean' } as const;
const or = (kind: Property, standard: unknown = null): Property => ({ anyOf: [kind, { type: 'null' }], default: standard });
const by = (kind: Property, standard: unknown): Property => ({ ...kind, default: standard });

const schema = (tool: string, properties: Readonly<Record<string, Property>>): Readonly<Record<string, unknown>> => {
  const required = Object.entries(properties).flatMap(([name, property]) => ('default' in property ? [] : [name]));
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, { ...property, title: titled(name) }])),
    ...(required.length > 0 && { required }),
    title: `${tool}Arguments`,
  };
};

const wait = { timeout: by(whole, 30), wait_time: or(whole) } as const;
const output = { output_type: by(text, 'both') } as const;

export const SCHEMAS = {
  execute_command: schema('execute_command', {
    command: text,
    ...wait,
    ...output,
    shell: by(yesNo, true),
    use_fork: by(yesNo, false),
    terminate_after_wait: by(yesNo, false),
    working_directory: or(text),
  }),
  execute_script: schema('execute_script', {
    script: text,
    script_type: by(text, 'bash'),
    ...wait,
    ...output,
    working_directory: or(text),
  }),
  read_output: schema('read_output', { session_id: text, ...output }),
  force_terminate: schema('force_terminate', { session_id: text }),
  list_sessions: schema('list_sessions', {}),
  list_processes: schema('list_processes', { name_filter: or(text) }),
  kill_process: schema('kill_process', { pid: whole }),
  block_command: schema('block_command', { command: text }),
  unblock_command: schema('unblock_command', { command: text }),
  list_blocked_commands: schema('list_blocked_commands', {}),
  list_installed_commands: schema('list_installed_commands', {}),
  install_command: schema('install_command', { command: text, package_manager: or(text) }),
  configure_packages: schema('configure_packages', {
    config: { type: 'object', additionalProperties: { type: 'array', items: text } },
  }),
  run_command_sync: schema('run_command_sync', {
    command: { type: 'array', items: text },
    wait_time: by(whole, 30),
    timeout: or(whole),
    ...output,
    shell: by(yesNo, false),
    working_directory: or(text),
  }),
} as const;

export type ToolName = keyof typeof SCHEMAS;
