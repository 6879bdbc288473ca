import { createServer } from 'node:net';
import { BatonError } from '../lib/baton-error.ts';

/** Throws BATON_PORT_IN_USE when something listens on a TCP port of this machine. */
export async function assertPortFree(port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer();
  server.once('error', (error: NodeJS.ErrnoException) => {
    reject(
      error.code === 'EADDRINUSE'
        ? new BatonError('BATON_PORT_IN_USE', `port ${port} is in use`, {
            hint: 'Choose another one with --pgport (PGPORT), or stop what listens there.',
            cause: error,
          })
        : error,
    );
  });
  server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => resolve()));
  await promise;
}
