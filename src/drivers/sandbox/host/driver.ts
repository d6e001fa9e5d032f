import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CorralError } from '../../../ports/errors.ts';
import type { Capabilities, SandboxDriver, SandboxSpec } from '../../../ports/sandbox.ts';
import { buildBubblewrapArguments } from '../bubblewrap/arguments.ts';
import { explainBubblewrapFailure } from '../bubblewrap/diagnosis.ts';
import { describeHostLayout } from '../bubblewrap/host-layout.ts';
import { bubblewrapVersion, DEFAULT_BWRAP } from '../bubblewrap/program.ts';
import type { Cgroups, GroupSupport } from '../cgroups/cgroups.ts';
import { limitsOf, NO_CGROUPS, NOT_LOOKED, wantsGroup } from '../cgroups/limits.ts';
import { recall } from '../supervisor/journal.ts';
import type { Form } from '../supervisor/handle.ts';
import type { SupervisorLauncher } from '../supervisor/launcher.ts';
import { createLifecycle } from '../supervisor/lifecycle.ts';
import type { Placement } from '../supervisor/lifecycle.ts';
import { probeBySandbox } from '../supervisor/probe.ts';
import { serveArguments } from '../supervisor/command-line.ts';
import { DESCRIPTOR } from '../supervisor/protocol.ts';
import { requireCapabilities } from '../supervisor/requirements.ts';

export interface HostDriverOptions {
  readonly launcher: SupervisorLauncher;
  /** Absent = no sandbox gets a control group. */
  readonly cgroups?: Cgroups;
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
  const { launcher, cgroups = NO_CGROUPS, supervisorPath, bwrapPath = DEFAULT_BWRAP, maxExecutions = DEFAULT_MAX_EXECUTIONS } = options;
  const lifecycle = createLifecycle({
    driver: 'host',
    launcher,
    cgroups,
    planRunner: supervisorPath,
    maxExecutions,
    explain: explainBubblewrapFailure,
  });
  let chosen: Promise<HostForm> | undefined;

  /** Without a group processes are counted per user: of the whole machine in the plain form, and never those of root. */
  const counted = (form: HostForm): boolean => form !== 'plain' && process.getuid?.() !== 0;

  const capabilities = (form: HostForm, groups: GroupSupport): Capabilities => ({
    isolation: 'none',
    network: ['host'],
    ...limitsOf(groups, { processes: counted(form) }),
    pty: true,
    survivesServer: true,
  });

  const place = async (spec: SandboxSpec, form: HostForm, grouped: boolean): Promise<Placement> => {
    const common = {
      grouped,
      scratch: [],
      form,
      uid: undefined,
      gid: undefined,
      stagingFolder: '',
      staged: [],
      // Beside the workspaces a place of the sandbox's own for files that nobody else should see, such as the code of scripts.
      roots: [...new Set([...spec.workspaces.map(({ target }) => target), join(spec.folder, 'work')])],
    };
    await mkdir(join(spec.folder, 'work'), { recursive: true, mode: 0o700 });
    if (form === 'plain') return { ...common, argv: [supervisorPath, ...serveArguments(spec.id, spec.folder)], data: [] };
    const { args, data } = buildBubblewrapArguments({
      spec,
      host: await describeHostLayout(),
      supervisorPath,
      supervisorInside: supervisorPath,
      form,
      firstDataFd: DESCRIPTOR.firstData,
      infoFd: DESCRIPTOR.info,
      readableSources: (source) => source,
      memoryInGroup: grouped,
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

  const createAs = async (spec: SandboxSpec, form: HostForm, signal?: AbortSignal) => {
    checkMounts(spec);
    // Of plain processes only a group finds what left its session and dropped the mark.
    const wanted = form === 'plain' || wantsGroup(spec, counted(form));
    const groups = wanted || spec.requireLimits === true ? await cgroups.support() : NOT_LOOKED;
    requireCapabilities('host', spec, capabilities(form, groups));
    return lifecycle.create(spec, () => place(spec, form, wanted && groups.class !== 'C'), signal);
  };

  const probeAs = (form: HostForm, signal?: AbortSignal) =>
    probeBySandbox(
      {
        version: async (folder) =>
          form === 'plain' ? 'host, plain processes' : `host, pid namespace by ${await bubblewrapVersion(launcher, bwrapPath, folder)}`,
        capabilities: async () => capabilities(form, await cgroups.support()),
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
    sweep: cgroups.sweep,
  };
};
