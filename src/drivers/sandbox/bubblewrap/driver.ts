import { CorralError } from '../../../ports/errors.ts';
import type { Capabilities, SandboxDriver, SandboxSpec } from '../../../ports/sandbox.ts';
import { recall } from '../supervisor/journal.ts';
import type { SupervisorLauncher } from '../supervisor/launcher.ts';
import { createLifecycle } from '../supervisor/lifecycle.ts';
import type { Placement } from '../supervisor/lifecycle.ts';
import { probeBySandbox } from '../supervisor/probe.ts';
import { DESCRIPTOR } from '../supervisor/protocol.ts';
import { requireCapabilities } from '../supervisor/requirements.ts';
import { buildBubblewrapArguments } from './arguments.ts';
import { explainBubblewrapFailure } from './diagnosis.ts';
import { describeHostLayout } from './host-layout.ts';
import { SANDBOX_HOME } from './identity.ts';
import { bubblewrapVersion, DEFAULT_BWRAP, requireProgram } from './program.ts';
import { NO_STAGING, planStaging } from './staging.ts';

export interface BubblewrapDriverOptions {
  readonly launcher: SupervisorLauncher;
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
  const { launcher, supervisorPath, bwrapPath = DEFAULT_BWRAP, maxExecutions = DEFAULT_MAX_EXECUTIONS, unsafeRoot = false } = options;
  const lifecycle = createLifecycle({
    driver: 'bubblewrap',
    launcher,
    planRunner: SUPERVISOR_INSIDE,
    maxExecutions,
    explain: explainBubblewrapFailure,
  });

  /** The kernel counts no processes of root, whatever root is called inside. */
  const capabilities = (uid: number | undefined): Capabilities => ({
    isolation: 'namespace',
    network: ['none', 'host'],
    limits: ['memoryBytes', ...(isRoot() && uid === undefined ? [] : (['processes'] as const)), 'fileBytes', 'cpuSeconds', 'openFiles'],
    pty: true,
    survivesServer: true,
  });

  const place = async (spec: SandboxSpec): Promise<Placement> => {
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
    });
    return {
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
    requireCapabilities('bubblewrap', spec, capabilities(spec.uid));
    await requireProgram(bwrapPath);
    return lifecycle.create(spec, () => place(spec), signal);
  };

  const usualUid = isRoot() && !unsafeRoot ? (options.probeUid ?? NOBODY) : undefined;
  return {
    name: 'bubblewrap',
    probe: (signal) =>
      probeBySandbox(
        {
          version: (folder) => bubblewrapVersion(launcher, bwrapPath, folder),
          capabilities: async () => capabilities(usualUid),
          create,
          network: 'none',
          uid: usualUid,
        },
        signal,
      ),
    create,
    open: lifecycle.open,
    recall,
  };
};
