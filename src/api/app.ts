import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { BatonError, toBatonError } from '../lib/baton-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import { STATUS_OF_CODE, toErrorBody } from './errors.ts';
import { eventRoutes } from './event-routes.ts';
import { formationRoutes } from './formation-routes.ts';
import { groupRoutes } from './group-routes.ts';
import type { MonitorService } from './monitor-service.ts';
import { nodeRoutes } from './node-routes.ts';
import { reportStreamRoutes } from './report-stream.ts';

/** A report of a large group is some kilobytes. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * The monitor's HTTP API. `token` null lets everybody in (`--auth trust`);
 * `/v1/health` needs no token in either case.
 */
export function createApi(deps: {
  readonly monitor: MonitorService;
  readonly token: string | null;
  readonly log: Logger;
  /** Ends the streams, so that the server can be closed without cutting them off. */
  readonly closing: AbortSignal;
}): Hono {
  const { monitor, token, log, closing } = deps;
  const app = new Hono();
  app.get('/v1/health', async (c) => c.json(await monitor.health()));
  if (token !== null) app.use('/v1/*', requireToken(token));
  // Before the limit for bodies: this one never ends.
  app.route('/v1/formations', reportStreamRoutes(monitor, closing));
  app.use(
    '/v1/*',
    bodyLimit({
      maxSize: BODY_LIMIT_BYTES,
      onError: () => {
        throw new BatonError(
          'BATON_USAGE',
          `the body of the request is larger than ${BODY_LIMIT_BYTES} bytes`,
        );
      },
    }),
  );
  app.route('/v1/formations', formationRoutes(monitor));
  app.route('/v1/formations', nodeRoutes(monitor));
  app.route('/v1/formations', groupRoutes(monitor, closing));
  app.route('/v1/events', eventRoutes(monitor));
  app.notFound((c) => {
    const error = new BatonError('BATON_USAGE', `there is nothing at ${c.req.method} ${c.req.path}`);
    return c.json(toErrorBody(error), 404);
  });
  app.onError((thrown, c) => {
    const error = toBatonError(thrown);
    const status = STATUS_OF_CODE[error.code];
    const request = { method: c.req.method, path: c.req.path, status };
    if (status >= 500) log.error({ ...request, err: error }, 'a request failed');
    else log.debug({ ...request, err: error }, 'a request was refused');
    return c.json(toErrorBody(error), status);
  });
  return app;
}

function requireToken(token: string): MiddlewareHandler {
  const wanted = digest(token);
  return async (c, next) => {
    const given = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    // Compared by digests of one length in constant time, so that the answer's delay tells nothing of the token.
    if (given === undefined || !timingSafeEqual(digest(given), wanted)) {
      throw new BatonError(
        'BATON_UNAUTHORIZED',
        given === undefined ? 'a token is needed' : 'the token is wrong',
        {
          hint: 'The token stands in the file "token" of the monitor: name a copy with --token-file, or set PGBATON_MONITOR_TOKEN.',
        },
      );
    }
    await next();
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
