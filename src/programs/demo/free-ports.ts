import { createServer, type Server } from 'node:net';
import { BatonError } from '../../lib/baton-error.ts';

/** Below the range that Linux gives to outgoing connections, which could take a port between this look and its use. */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/**
 * Ports of the loopback address that nobody listens on, found by binding. The
 * search begins at a random place, so that two demos started at once do not
 * find the same ones. Throws BATON_PORT_IN_USE.
 */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  const start = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST - 1_000));
  try {
    for (let port = start; port < HIGHEST && ports.length < count; port++) {
      const server = await listen(port);
      if (server === undefined) continue;
      held.push(server);
      ports.push(port);
    }
  } finally {
    await Promise.all(held.map((server) => new Promise((closed) => server.close(closed))));
  }
  if (ports.length === count) return ports;
  throw new BatonError('BATON_PORT_IN_USE', `no ${count} free ports between ${start} and ${HIGHEST}`);
}

/** undefined when somebody else has the port. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}
