import { CorralError } from '../../../ports/errors.ts';
import type { Capabilities, SandboxDriver, SandboxSpec } from '../../../ports/sandbox.ts';
import type { Cgroups, GroupSupport } from '../cgroups/cgroups.ts';
import { limitsOf, NO_CGROUPS, NOT_LOOKED, wantsGroup } from '../cgroups/limits.ts';
import { recall } from '../supervisor/journal.ts';
import type { SupervisorLauncher } from '../supervisor/launcher.ts';
import { createLifecycle } from '../supervisor/lifecycle.ts';
import type { Placement } from '../supervisor/lifecycle.ts';
import { probeBySandbox } from '../supervisor/probe.ts';
import { DESCRIPTOR } from '../supervisor/protocol.ts';
import { requireCapabilities } from '../supervisor/requirements.ts';
import { buildBubblewrapArguments, SCRATCH } from './arguments.ts';
import { explainBubblewrapFailure } from './diagnosis.ts';
import { describeHostLayout } from './host-layout.ts';
import { SANDBOX_HOME } from './identity.ts';
import { bubblewrapVersion, DEFAULT_BWRAP, requireProgram } from './program.ts';
import { NO_STAGING, planStaging } from './staging.ts';

export interface BubblewrapDriverOptions {
  readonly launcher: SupervisorLauncher;
  /** Absent = no sandbox gets a control group. */
  readonly cgroups?: Cgroups;
  /** Path of the corral-supervisor program, outside. */
  readonly supervisorPath: string;
  readonly bwrapPath?: string;
  readonly maxExecutions?: number;
  /** The server is root and may run sandboxes as root, when no private uid is given. */
  readonly unsafeRoot?: boolean;
  /** Uid of the probe's sandbox when the server is root. Default 65534, nobody. */
  readonly probeUid?: number;
}

const SUPERVISOR_INSIDE = '/run/corral/supervisor';
const DEFAULT_MAX_EXECUTIONS = 256;
const NOBODY = 65_534;

const isRoot = (): boolean => process.getuid?.() === 0;

/** Namespaces, a minimal root, no network, a system call filter: the default. See docs and `arguments.ts` for what exactly. */
export const createBubblewrapDriver = (options: BubblewrapDriverOptions): SandboxDriver => {
  const {
    launcher,
    cgroups = NO_CGROUPS,
    supervisorPath,
    bwrapPath = DEFAULT_BWRAP,
    maxExecutions = DEFAULT_MAX_EXECUTIONS,
    unsafeRoot = false,
  } = options;
  const lifecycle = createLifecycle({
    driver: 'bubblewrap',
    launcher,
    cgroups,
    planRunner: SUPERVISOR_INSIDE,
    maxExecutions,
    explain: explainBubblewrapFailure,
  });

  /** The kernel counts no processes of root by itself, whatever root is called inside. */
  const counted = (uid: number | undefined): boolean => !isRoot() || uid !== undefined;

  const capabilities = (uid: number | undefined, groups: GroupSupport): Capabilities => ({
    isolation: 'namespace',
    network: ['none', 'host'],
    ...limitsOf(groups, { processes: counted(uid) }),
    pty: true,
    survivesServer: true,
  });

  const place = async (spec: SandboxSpec, grouped: boolean): Promise<Placement> => {
    const staging = spec.uid === undefined ? NO_STAGING : await planStaging(spec, supervisorPath);
    const { args, data } = buildBubblewrapArguments({
      spec,
      host: await describeHostLayout(),
      supervisorPath,
      supervisorInside: SUPERVISOR_INSIDE,
      form: 'isolated',
      firstDataFd: DESCRIPTOR.firstData,
      infoFd: DESCRIPTOR.info,
      readableSources: staging.readableSources,
      memoryInGroup: grouped,
    });
    return {
      grouped,
      scratch: SCRATCH,
      form: 'isolated',
      argv: [bwrapPath, ...args],
      data,
      uid: spec.uid,
      gid: spec.uid,
      stagingFolder: staging.folder,
      staged: staging.staged,
      roots: [...new Set([...spec.workspaces.map(({ target }) => target), '/tmp', SANDBOX_HOME])],
    };
  };

  const checkUid = (spec: SandboxSpec): void => {
    if (!isRoot()) {
      if (spec.uid === undefined) return;
      throw new CorralError('unsupported', 'Only root can give a sandbox a private uid.', {
        hint: 'Leave the uid out, or run the server as root.',
      });
    }
    if (spec.uid === undefined && !unsafeRoot)
      throw new CorralError(
        'unsupported',
        'The server is root and no private uid was given for the sandbox: it would be root for the kernel.',
        {
          hint: 'Configure a range of uids, run the server as an ordinary user, or accept the risk with --unsafe-root.',
        },
      );
    if (spec.uid !== undefined && (!Number.isInteger(spec.uid) || spec.uid <= 0 || spec.uid >= 0xffff_ffff))
      throw new CorralError('invalid_input', `${spec.uid} is no uid a sandbox may have.`);
  };

  const create: SandboxDriver['create'] = async (spec, signal) => {
    checkUid(spec);
    const wanted = wantsGroup(spec, counted(spec.uid));
    const groups = wanted || spec.requireLimits === true ? await cgroups.support() : NOT_LOOKED;
    requireCapabilities('bubblewrap', spec, capabilities(spec.uid, groups));
    await requireProgram(bwrapPath);
    return lifecycle.create(spec, () => place(spec, wanted && groups.class !== 'C'), signal);
  };

  const usualUid = isRoot() && !unsafeRoot ? (options.probeUid ?? NOBODY) : undefined;
  return {
    name: 'bubblewrap',
    probe: (signal) =>
      probeBySandbox(
        {
          version: (folder) => bubblewrapVersion(launcher, bwrapPath, folder),
          capabilities: async () => capabilities(usualUid, await cgroups.support()),
          create,
          network: 'none',
          uid: usualUid,
        },
        signal,
      ),
    create,
    open: lifecycle.open,
    recall,
    sweep: cgroups.sweep,
  };
};
