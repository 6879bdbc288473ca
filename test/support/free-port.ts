import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const COUNT = 1_000;
/** Of two test files that run at once each has ports of its own: a server that is down for a moment must find its port again. */
const FIRST = 16_000 + COUNT * ((Number(process.env['NODE_TEST_WORKER_ID'] ?? 1) - 1) % 10);

const given = new Set<number>();

/** A port of 127.0.0.1 on which nothing listens, and that nobody else in this process is given. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 10 * COUNT; attempt++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (given.has(port) || hasSocket(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no port between ${FIRST} and ${FIRST + COUNT - 1} is free`);
}

/** A server in another network namespace keeps nobody from the port, and yet has the only socket of that name. */
function hasSocket(port: number): boolean {
  return ['/var/run/postgresql', '/tmp'].some((folder) => existsSync(join(folder, `.s.PGSQL.${port}`)));
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}
