import { createServer } from 'node:net';

/**
 * The first of the addresses (as in listen_addresses) on which the port is
 * taken; undefined when it is free. PostgreSQL itself starts with only some of
 * its addresses, and clients then reach whoever has the others.
 */
export async function portInUse(listenAddresses: string, port: number): Promise<string | undefined> {
  for (const address of listenAddresses.split(',').map((part) => part.trim())) {
    if (address === '') continue;
    for (const host of address === '*' ? ['0.0.0.0', '::'] : [address]) {
      if (await isTaken(host, port)) return host;
    }
  }
  return undefined;
}

function isTaken(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  // Other errors (no IPv6, not our address) are PostgreSQL's to judge.
  server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'));
  server.listen({ host, port, ipv6Only: host.includes(':') }, () => server.close(() => resolve(false)));
  return promise;
}
