import { CorralError } from '../../../ports/errors.ts';
import type { Capabilities, SandboxDriver, SandboxSpec } from '../../../ports/sandbox.ts';
import { buildBubblewrapArguments } from '../bubblewrap/arguments.ts';
import { explainBubblewrapFailure } from '../bubblewrap/diagnosis.ts';
import { describeHostLayout } from '../bubblewrap/host-layout.ts';
import { bubblewrapVersion, DEFAULT_BWRAP } from '../bubblewrap/program.ts';
import { recall } from '../supervisor/journal.ts';
import type { Form } from '../supervisor/handle.ts';
import type { SupervisorLauncher } from '../supervisor/launcher.ts';
import { createLifecycle } from '../supervisor/lifecycle.ts';
import type { Placement } from '../supervisor/lifecycle.ts';
import { probeBySandbox } from '../supervisor/probe.ts';
import { DESCRIPTOR } from '../supervisor/protocol.ts';
import { requireCapabilities } from '../supervisor/requirements.ts';

export interface HostDriverOptions {
  readonly launcher: SupervisorLauncher;
  /** Path of the corral-supervisor program. */
  readonly supervisorPath: string;
  readonly bwrapPath?: string;
  readonly maxExecutions?: number;
  /** `auto`: a pid namespace where bubblewrap can make one, else a plain process. */
  readonly form?: 'auto' | 'pid-namespace' | 'plain';
}

type HostForm = Exclude<Form, 'isolated'>;

const DEFAULT_MAX_EXECUTIONS = 256;

/**
 * No isolation: programs run on the host with the rights of the server. In a pid namespace of their own nothing outlives the supervisor;
 * as plain processes a program that both leaves its session and drops the sandbox's mark from its environment may.
 */
export const createHostDriver = (options: HostDriverOptions): SandboxDriver => {
  const { launcher, supervisorPath, bwrapPath = DEFAULT_BWRAP, maxExecutions = DEFAULT_MAX_EXECUTIONS } = options;
  const lifecycle = createLifecycle({
    driver: 'host',
    launcher,
    planRunner: supervisorPath,
    maxExecutions,
    explain: explainBubblewrapFailure,
  });
  let chosen: Promise<HostForm> | undefined;

  /** Processes are counted per user: of the whole machine in the plain form, and never those of root. */
  const capabilities = (form: HostForm): Capabilities => ({
    isolation: 'none',
    network: ['host'],
    limits: [
      'memoryBytes',
      ...(form === 'plain' || process.getuid?.() === 0 ? [] : (['processes'] as const)),
      'fileBytes',
      'cpuSeconds',
      'openFiles',
    ],
    pty: true,
    survivesServer: true,
  });

  const place = async (spec: SandboxSpec, form: HostForm): Promise<Placement> => {
    const common = {
      form,
      uid: undefined,
      gid: undefined,
      stagingFolder: '',
      staged: [],
      roots: spec.workspaces.map(({ target }) => target),
    };
    if (form === 'plain') return { ...common, argv: [supervisorPath, 'serve'], data: [] };
    const { args, data } = buildBubblewrapArguments({
      spec,
      host: await describeHostLayout(),
      supervisorPath,
      supervisorInside: supervisorPath,
      form,
      firstDataFd: DESCRIPTOR.firstData,
      infoFd: DESCRIPTOR.info,
      readableSources: (source) => source,
    });
    return { ...common, argv: [bwrapPath, ...args], data };
  };

  const checkMounts = (spec: SandboxSpec): void => {
    if (spec.uid !== undefined)
      throw new CorralError('unsupported', 'The driver "host" runs programs as the server itself, not under a private uid.');
    for (const { source, target, mode } of [...spec.workspaces, ...spec.mounts])
      if (source !== target || (mode === 'ro' && spec.workspaces.some((workspace) => workspace.target === target)))
        throw new CorralError(
          'unsupported',
          `The driver "host" mounts nothing: ${source} cannot appear at ${target}${mode === 'ro' ? ' read-only' : ''}.`,
          {
            hint: 'Use folders where they are, or the driver "bubblewrap".',
          },
        );
  };

  const createAs = (spec: SandboxSpec, form: HostForm, signal?: AbortSignal) => {
    checkMounts(spec);
    requireCapabilities('host', spec, capabilities(form));
    return lifecycle.create(spec, () => place(spec, form), signal);
  };

  const probeAs = (form: HostForm, signal?: AbortSignal) =>
    probeBySandbox(
      {
        version: async (folder) =>
          form === 'plain' ? 'host, plain processes' : `host, pid namespace by ${await bubblewrapVersion(launcher, bwrapPath, folder)}`,
        capabilities: async () => capabilities(form),
        create: (spec, abort) => createAs(spec, form, abort),
        network: 'host',
      },
      signal,
    );

  const form = (): Promise<HostForm> => {
    if (options.form !== undefined && options.form !== 'auto') return Promise.resolve(options.form);
    return (chosen ??= probeAs('pid-namespace').then(({ available }) => (available ? 'pid-namespace' : 'plain')));
  };

  return {
    name: 'host',
    probe: async (signal) => probeAs(await form(), signal),
    create: async (spec, signal) => createAs(spec, await form(), signal),
    open: lifecycle.open,
    recall,
  };
};
