import type { DoorOptions, HttpDoor } from '../../../../src/faces/http/door.ts';
import { openHttpDoor } from '../../../../src/faces/http/door.ts';
import type { McpHttpOptions } from '../../../../src/faces/mcp/http-handler.ts';
import { createMcpHttpHandler } from '../../../../src/faces/mcp/http-handler.ts';
import type { McpFaceOptions } from '../../../../src/faces/mcp/server-factory.ts';
import type { FakeLog } from './fake-operations.ts';
import { createFakes } from './fake-operations.ts';

export interface FakeHttp extends AsyncDisposable {
  readonly door: HttpDoor;
  readonly log: FakeLog;
  readonly errors: string[];
  readonly mcpUrl: URL;
}

/** The HTTP face over the fakes, on a free loopback port unless told otherwise. */
export const startHttp = async (
  door: Partial<DoorOptions> = {},
  mcp: Partial<McpHttpOptions> = {},
  face: Partial<McpFaceOptions> = {},
): Promise<FakeHttp> => {
  const { factory, log } = createFakes(face);
  const errors: string[] = [];
  const mount = createMcpHttpHandler({ factory, onError: (error) => errors.push(error.message), ...mcp });
  const opened = await openHttpDoor({
    bind: { host: '127.0.0.1', port: 0 },
    grants: [],
    anonymous: { id: 'local', scopes: [] },
    allowedHosts: [],
    mounts: [mount],
    version: '9.9.9',
    onError: (error, where) => errors.push(`${where}: ${String(error)}`),
    ...door,
  });
  return { door: opened, log, errors, mcpUrl: new URL(`${opened.url}/mcp`), [Symbol.asyncDispose]: () => opened.close() };
};
