import type { App } from '../../core/app.ts';
import type { LoadedConfig } from '../../core/config/load.ts';
import { parseBind } from '../http/bind.ts';
import { openHttpDoor } from '../http/door.ts';
import { loggableHeaders } from '../http/loggable-headers.ts';
import { createMcpHttpHandler } from '../mcp/http-handler.ts';
import { createMcpServerFactory } from '../mcp/server-factory.ts';
import { serveBanner } from './banner.ts';
import type { CliContext } from './context.ts';
import { elicitationFor } from './elicitation.ts';
import { EXIT } from './exit-codes.ts';
import { CORRAL, type Served } from './served.ts';
import { checkStart, loadSettings } from './settings.ts';
import { openFirst, warmUp } from './stdio.ts';
import type { ServerArguments } from './stdio-arguments.ts';

/** From the first signal to the end of the process at the latest. */
const CLOSE_WITHIN_MS = 10_000;
/** For the proof that a sandbox works here, which the banner waits for. */
const PROBE_WITHIN_MS = 5000;

const ALL = ['*'] as const;

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The first SIGINT, SIGTERM or SIGHUP resolves; the second ends the process where it stands. */
const untilSignal = (onSecond: () => void): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    let first = true;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        if (!first) onSecond();
        first = false;
        resolve(signal);
      });
  });

const openDoor = async (app: App, bind: string, served: Served) => {
  const { allowedHosts } = app.loaded.config;
  const authToken = served.http?.token ?? app.loaded.config.authToken;
  const factory = createMcpServerFactory({
    operations: served.operations(app),
    invoke: app.invoke,
    info: served.info(app),
    instructions: served.instructions,
    unknownTool: served.unknownTool,
    elicitation: elicitationFor(app),
    tasks: served.tasks?.(app),
    callerOf: (auth) => ({ id: auth?.clientId ?? 'local', via: 'mcp', scopes: auth?.scopes ?? ALL }),
  });
  return openHttpDoor({
    bind: parseBind(bind),
    grants: authToken === undefined ? [] : [{ token: authToken, principal: { id: 'operator', scopes: ALL } }],
    anonymous: { id: 'local', scopes: ALL },
    allowedHosts,
    mounts: [
      createMcpHttpHandler({
        factory,
        onError: (error) => app.log.warn({ error: error.message }, 'mcp over http'),
        ...(served.http !== undefined && { paths: served.http.paths, stateless: served.http.stateless ?? false }),
      }),
    ],
    version: app.version,
    ...(served.http !== undefined && { health: { text: served.http.health, guarded: served.http.guardedHealth } }),
    bareUnauthorized: served.http?.bareUnauthorized,
    cors: served.http?.cors,
    ...(app.loaded.config.logLevel === 'debug' && {
      onRequest: (request) => app.log.debug({ method: request.method, headers: loggableHeaders(request) }, 'http request'),
    }),
    onUnauthorized: (from) => app.log.warn({ event: 'auth_fail', from }, 'http: no token, or a wrong one'),
    onError: (error, where) => app.log.error({ error: message(error), where }, 'http'),
  });
};

/** True when `work` ended in time. A failure is the caller's. */
const within = async (ms: number, work: Promise<unknown>): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
};

/** `corral serve`: MCP over HTTP until a signal. Returns the exit code. */
export const runServe = async (context: CliContext, args: ServerArguments): Promise<number> =>
  serveOverHttp(context, await loadSettings(context, args), CORRAL);

/** MCP over HTTP until a signal. Returns the exit code. */
export const serveOverHttp = async (context: CliContext, loaded: LoadedConfig, served: Served): Promise<number> => {
  await checkStart(loaded);
  const { config } = loaded;
  const stopped = untilSignal(() => process.exit(EXIT.failure));
  const app = context.openApp(loaded, { role: 'server', face: [`http ${config.bind}`, ...served.profiles].join(' ') });
  await openFirst(app);
  const door = await openDoor(app, config.bind, served);
  const warming = warmUp(app);

  const driver = app.drivers.get(config.driver === 'auto' ? 'bubblewrap' : config.driver);
  const probe = await driver?.probe(AbortSignal.timeout(PROBE_WITHIN_MS));
  process.stdout.write(
    serveBanner({
      version: app.version,
      url: door.url,
      served,
      loaded,
      driver: driver?.name,
      probe,
      colour: process.stdout.isTTY && context.env['NO_COLOR'] === undefined,
    }),
  );

  const signal = await stopped;
  clearTimeout(warming);
  process.stderr.write(`corral: ${signal}: ending what runs here and stopping; again to stop at once\n`);
  const closing = (async () => {
    await door.close();
    await app.close();
  })();
  if (await within(CLOSE_WITHIN_MS, closing)) return EXIT.ok;
  app.log.error({ withinMs: CLOSE_WITHIN_MS }, 'the server did not close in time');
  return EXIT.failure;
};
