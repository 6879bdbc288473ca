import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer as createProbe } from 'node:net';
import { test } from 'node:test';
import { Hono } from 'hono';
import { startHttpServer } from './http-server.ts';
import { createTransport } from './transport.ts';

const key = randomBytes(32);
const ASK = { method: 'GET', path: '/', timeoutMs: 5_000, repeatable: true } as const;

async function freePort(): Promise<number> {
  const probe = createProbe();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  assert(address !== null && typeof address === 'object');
  return address.port;
}

test('only who has the key of the group is answered, and only by who has it', async (context) => {
  const port = await freePort();
  const app = new Hono().get('/', (c) => c.json('hello'));
  const server = await startHttpServer({ app, port, address: '127.0.0.1', tls: { key } });
  context.after(() => server.close());
  const where = { host: '127.0.0.1', port };

  const friend = createTransport({ ...where, sslmode: 'key', key }, undefined);
  assert.equal(await friend.exchange(ASK), 'hello');
  const other = createTransport({ ...where, sslmode: 'key', key: randomBytes(32) }, undefined);
  await assert.rejects(other.exchange(ASK), { code: 'BATON_UNAUTHORIZED' });
  const stranger = createTransport({ ...where, sslmode: 'require' }, undefined);
  await assert.rejects(stranger.exchange(ASK), { code: 'BATON_UNREACHABLE' });
  const plain = createTransport({ ...where, sslmode: 'disable' }, undefined);
  await assert.rejects(plain.exchange(ASK));
  for (const transport of [friend, other, stranger, plain]) transport.close();
});
