import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { aReport } from '../../test/support/a-report.ts';
import { DEFAULT_SETTINGS, emptyRecord } from '../core/group-record.ts';
import { BatonError } from '../lib/baton-error.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import { createApi } from './app.ts';
import { createMonitorClient } from './client.ts';
import { startHttpServer } from './http-server.ts';
import type { MonitorService } from './monitor-service.ts';

const GROUP = { formation: 'default', group: 0 };
const RECORD = emptyRecord('default', 0, DEFAULT_SETTINGS);

/** A monitor that answers each report with the number of reports so far, or as a test says. */
async function serve(port: number, takeReport?: MonitorService['takeReport']) {
  let taken = 0;
  const monitor: Partial<MonitorService> = {
    getGroup: () => ({ record: RECORD, record_version: 7, nodes: [] }),
    takeReport: takeReport ?? (() => Promise.resolve({ record_version: (taken += 1) })),
  };
  const closing = new AbortController();
  const app = createApi({
    monitor: monitor as MonitorService,
    token: null,
    log: SILENT_LOGGER,
    closing: closing.signal,
  });
  const server = await startHttpServer({ app, port, address: '127.0.0.1', tls: null });
  return {
    close() {
      closing.abort();
      return server.close();
    },
  };
}

function aClient(context: TestContext, port: number) {
  const client = createMonitorClient({ host: '127.0.0.1', port, sslmode: 'disable' });
  context.after(() => client.close());
  return client;
}

/** A port on which nothing listens, and a server there that answers nothing but headers. */
async function silentServer(context: TestContext): Promise<{ port: number; server: Server }> {
  const server = createServer((_request, response: ServerResponse) => response.writeHead(200).flushHeaders());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.closeAllConnections());
  context.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, server };
}

async function aFreePort(context: TestContext): Promise<number> {
  const { port, server } = await silentServer(context);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('reports are answered in their order, over one request', async (context) => {
  const port = await aFreePort(context);
  const monitor = await serve(port);
  context.after(() => monitor.close());
  const client = aClient(context, port);
  const answers = await Promise.all([1, 2, 3].map((node) => client.sendReport(GROUP, aReport(node))));
  assert.deepEqual(
    answers.map(({ record_version: version }) => version),
    [1, 2, 3],
  );
});

test('a report that is refused says why, and the next one goes the same way', async (context) => {
  const port = await aFreePort(context);
  const refusal = new BatonError('BATON_NODE_NOT_FOUND', 'no such node', { hint: 'Add it.' });
  const monitor = await serve(port, (_group, { node }) =>
    node === 1 ? Promise.reject(refusal) : Promise.resolve({ record_version: 9 }),
  );
  context.after(() => monitor.close());
  const client = aClient(context, port);
  await assert.rejects(client.sendReport(GROUP, aReport(1)), {
    code: 'BATON_NODE_NOT_FOUND',
    hint: 'Add it.',
  });
  assert.equal((await client.sendReport(GROUP, aReport(2))).record_version, 9);
});

test('a monitor that was restarted gets the next report', async (context) => {
  const port = await aFreePort(context);
  const client = aClient(context, port);
  const first = await serve(port);
  await client.sendReport(GROUP, aReport(1));
  await first.close();
  await assert.rejects(client.sendReport(GROUP, aReport(1)), { code: 'BATON_UNREACHABLE' });
  const second = await serve(port);
  context.after(() => second.close());
  assert.equal((await client.sendReport(GROUP, aReport(1))).record_version, 1);
});

test('an answer that does not come ends the wait in time, for the reports behind it too', async (context) => {
  const { port } = await silentServer(context);
  const client = aClient(context, port);
  const waits = [40, 10_000].map((timeoutMs) => client.sendReport(GROUP, aReport(1), { timeoutMs }));
  for (const wait of waits) await assert.rejects(wait, { code: 'BATON_TIMEOUT' });
});
