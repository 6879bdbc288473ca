import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Server as TlsServer } from 'node:tls';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { BatonError } from '../lib/baton-error.ts';
import { serverKeyOptions } from './shared-key.ts';

/** Certificate and key, PEM. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
}

/** The key of a group's keepers: no certificate, and nobody else is answered. */
export interface KeyMaterial {
  readonly key: Buffer;
}

export interface HttpServer {
  /** New connections use these from now on; those that are open go on. Ignored without TLS. */
  setTls(tls: TlsMaterial): void;
  /** Answers what is under way, for at most a second, and ends all connections. */
  close(): Promise<void>;
}

/** How long answers that are under way at a stop are waited for, ms. */
const GRACE_MS = 1_000;
const SWEEP_EVERY_MS = 10;

/** Above the heartbeat of a keeper by far: an idle connection that a client wants to use must not be closed under it. */
const KEEP_ALIVE_MS = 75_000;

/** Listens. Throws BATON_PORT_IN_USE, BATON_PRIVILEGES for a port below 1024, or BATON_CONFIG_INVALID for an address that is none. */
export async function startHttpServer(options: {
  readonly app: Hono;
  readonly port: number;
  /** undefined: every address of the machine. */
  readonly address: string | undefined;
  /** null: without TLS. */
  readonly tls: TlsMaterial | KeyMaterial | null;
}): Promise<HttpServer> {
  const { app, port, address, tls } = options;
  // The reports of a keeper are the body of one request, which lasts for months.
  const serverOptions = { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 };
  const server = createAdaptorServer({
    fetch: app.fetch,
    ...(tls === null
      ? { createServer: createHttpServer, serverOptions }
      : {
          createServer: createHttpsServer,
          serverOptions: {
            ...serverOptions,
            ...('cert' in tls ? withCertificate(tls) : serverKeyOptions(tls.key)),
          },
        }),
  }) as Server;
  await listen(server, port, address);
  return {
    setTls(material) {
      if (tls !== null) (server as unknown as TlsServer).setSecureContext(material);
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A kept connection becomes idle when its last answer has been sent, and nobody tells.
      const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_EVERY_MS);
      const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS);
      await closed;
      clearInterval(sweep);
      clearTimeout(cut);
    },
  };
}

function withCertificate(tls: TlsMaterial) {
  return { ...tls, minVersion: 'TLSv1.2' as const };
}

function listen(server: Server, port: number, address: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, port, address)));
    server.listen({ port, ...(address === undefined ? {} : { host: address }) }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function listenError(error: NodeJS.ErrnoException, port: number, address: string | undefined): BatonError {
  const where = address === undefined ? `port ${port}` : `${address}, port ${port}`;
  switch (error.code ?? '') {
    case 'EADDRINUSE':
      return new BatonError('BATON_PORT_IN_USE', `${where} is in use`, {
        hint: 'Another program listens there. Stop it, or choose another port: "pgbaton config set port <number>".',
        cause: error,
      });
    case 'EACCES':
      return new BatonError('BATON_PRIVILEGES', `not allowed to listen on ${where}`, {
        hint: 'Choose a port above 1023.',
        cause: error,
      });
    default:
      return new BatonError('BATON_CONFIG_INVALID', `could not listen on ${where}`, {
        detail: `${error.message}.`,
        hint: 'listen_addresses must be an address of this machine, or * for all of them.',
        cause: error,
      });
  }
}
