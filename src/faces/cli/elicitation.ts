import type { App } from '../../core/app.ts';
import type { ElicitationOptions } from '../mcp/call-tool.ts';

/** May clients put the questions of the rules to their user? Only where there are rules, and unless the operator keeps the answers to himself. */
export const elicitationFor = ({ loaded: { config }, requestStateKey, log }: App): ElicitationOptions | undefined =>
  config.rules === undefined || !config.approvalByClient
    ? undefined
    : {
        key: requestStateKey,
        ttlSeconds: config.approvalPendingSeconds,
        onError: (error) =>
          log.error({ error: error instanceof Error ? error.message : String(error) }, 'a question could not be sent to the client'),
      };
