import type { App } from '../../core/app.ts';
import type { LoadedConfig } from '../../core/config/load.ts';
import type { Caller } from '../../core/operation.ts';
import { serveMcpStdio } from '../mcp/serve-stdio.ts';
import { createMcpServerFactory } from '../mcp/server-factory.ts';
import type { CliContext } from './context.ts';
import { elicitationFor } from './elicitation.ts';
import { CORRAL, type Served } from './served.ts';
import { checkStart, loadSettings } from './settings.ts';
import type { ServerArguments } from './stdio-arguments.ts';

/** After the first answers to a client, and before a model has thought of its first call. */
const READY_AFTER_MS = 300;

const CALLER: Caller = { id: 'local', via: 'mcp', scopes: ['*'] };

/** Opens the services in the background, so that the first call finds them open. Each call reports a failure for itself. */
export const warmUp = (app: App): NodeJS.Timeout =>
  setTimeout(() => {
    app
      .ready()
      .catch((error: unknown) =>
        app.log.error({ error: error instanceof Error ? error.message : String(error) }, 'not ready to run anything'),
      );
  }, READY_AFTER_MS).unref();

/** With --require-limits a server that cannot keep them does not begin: it is told before any client is there. Throws what the services said. */
export const openFirst = async (app: App): Promise<void> => {
  if (!app.loaded.config.requireLimits) return;
  try {
    await app.ready();
  } catch (error) {
    await app.close();
    throw error;
  }
};

/** `corral [DIR...]`: MCP on stdin and stdout until the client goes away. */
export const runStdio = async (context: CliContext, args: ServerArguments): Promise<void> => {
  await serveOverStdio(context, await loadSettings(context, args), CORRAL);
};

/** MCP on stdin and stdout until the client goes away. */
export const serveOverStdio = async (context: CliContext, loaded: LoadedConfig, served: Served): Promise<void> => {
  await checkStart(loaded);
  const app = context.openApp(loaded, { role: 'server', face: ['stdio', ...served.profiles].join(' ') });
  await openFirst(app);
  const factory = createMcpServerFactory({
    operations: served.operations(app),
    invoke: app.invoke,
    info: served.info(app),
    instructions: served.instructions,
    unknownTool: served.unknownTool,
    elicitation: elicitationFor(app),
    tasks: served.tasks?.(app),
    callerOf: () => CALLER,
  });
  if (process.stdin.isTTY)
    process.stderr.write(
      'corral: serving MCP on this terminal, for a client to start it; end with Ctrl-D. People want `corral serve` or `corral --help`.\n',
    );
  const warming = warmUp(app);
  const face = serveMcpStdio({
    factory,
    onError: (error) => app.log.warn({ error: error.message }, 'mcp'),
    onClose: async () => {
      clearTimeout(warming);
      await app.close();
    },
  });
  await face.done;
};
