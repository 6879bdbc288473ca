import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aReport } from '../../test/support/a-report.ts';
import { DEFAULT_SETTINGS, emptyRecord } from '../core/group-record.ts';
import { BatonError, ERROR_CODES } from '../lib/baton-error.ts';
import { createLogger, SILENT_LOGGER } from '../telemetry/logger.ts';
import { createApi } from './app.ts';
import { fromErrorBody, toErrorBody } from './errors.ts';
import type { MonitorService } from './monitor-service.ts';
import type { ErrorBody } from './schemas.ts';

const TOKEN = 'a-token-of-the-test';
const RECORD = emptyRecord('default', 0, DEFAULT_SETTINGS);

/** A monitor that answers what a test gives it, and fails on everything else. */
function app(service: Partial<MonitorService>, token: string | null = TOKEN) {
  const monitor = {
    health: () => ({ ok: true, version: '1', incarnation: 'i' }),
    ...service,
  } as MonitorService;
  return createApi({ monitor, token, log: SILENT_LOGGER, closing: new AbortController().signal });
}

const AUTHORIZED = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };

async function errorOf(response: Response): Promise<ErrorBody['error']> {
  return ((await response.json()) as ErrorBody).error;
}

test('health is answered without a token, nothing else is', async () => {
  const api = app({ listFormations: () => [] });
  assert.equal((await api.request('/v1/health')).status, 200);
  const refused = await api.request('/v1/formations');
  assert.equal(refused.status, 401);
  assert.equal((await errorOf(refused)).code, 'BATON_UNAUTHORIZED');
  for (const authorization of ['Bearer wrong', `Basic ${TOKEN}`, 'Bearer', `Bearer ${TOKEN}x`]) {
    assert.equal((await api.request('/v1/formations', { headers: { authorization } })).status, 401);
  }
  assert.equal((await api.request('/v1/formations', { headers: AUTHORIZED })).status, 200);
});

test('without a token of the monitor everybody may ask', async () => {
  const api = app({ listFormations: () => [] }, null);
  assert.equal((await api.request('/v1/formations')).status, 200);
});

test('a wrong body is refused with every field that is wrong', async () => {
  const response = await app({}).request('/v1/formations/default/nodes', {
    method: 'POST',
    headers: AUTHORIZED,
    body: JSON.stringify({ host: 'a b', port: 70_000, naem: 'x' }),
  });
  assert.equal(response.status, 400);
  const { code, message, detail } = await errorOf(response);
  assert.equal(code, 'BATON_USAGE');
  const all = `${message} ${detail}`;
  assert.match(all, /host must be a host name/);
  assert.match(all, /port must be at most 65535/);
  assert.match(all, /unknown key: naem/);
});

test('a body that is not JSON, a group that is no number and an unknown path are refused in JSON', async () => {
  const api = app({});
  const cases = [
    ['POST', '/v1/formations', 400],
    ['GET', '/v1/formations/default/groups/x', 400],
    ['GET', '/v1/nothing', 404],
    ['GET', '/v1/events?count=0', 400],
    ['GET', '/v1/events?cuont=1', 400],
  ] as const;
  for (const [method, path, status] of cases) {
    const body = method === 'POST' ? '{' : null;
    const response = await api.request(path, { method, headers: AUTHORIZED, body });
    assert.equal(response.status, status, path);
    assert.equal((await errorOf(response)).code, 'BATON_USAGE');
  }
});

test('defaults of a body are filled in, and names reach the monitor decoded', async () => {
  let seen: unknown;
  const api = app({
    registerNode(formation, body) {
      seen = { formation, body };
      return Promise.resolve({ node_id: 1, name: 'n', group: 0, record_version: 1 });
    },
  });
  const body = JSON.stringify({ host: 'a', port: 1 });
  await api.request('/v1/formations/f%2Dx/nodes', { method: 'POST', headers: AUTHORIZED, body });
  assert.deepEqual(seen, {
    formation: 'f-x',
    body: {
      host: 'a',
      port: 1,
      group: 0,
      candidate_priority: 50,
      replication_quorum: true,
      system_identifier: null,
      auth: 'scram-sha-256',
    },
  });
});

test('a report that is malformed anywhere is refused, and keys of a newer keeper are dropped', async () => {
  let taken: unknown;
  const api = app({
    takeReport(_group, report) {
      taken = report;
      return Promise.resolve({ record_version: 1, record: RECORD });
    },
  });
  const send = (report: unknown) =>
    api.request('/v1/formations/default/groups/0/reports', {
      method: 'POST',
      headers: AUTHORIZED,
      body: JSON.stringify({ report }),
    });
  const report = aReport(1);
  assert.equal((await send({ ...report, new: 1 })).status, 200);
  assert.deepEqual(taken, report);
  const postgres = { ...report.postgres, position: { timeline: 1, lsn: 'nonsense' } };
  const refused = await send({ ...report, postgres });
  assert.equal(refused.status, 400);
  assert.equal((await errorOf(refused)).message, 'report.postgres.position.lsn must be an LSN');
  assert.equal((await send({ ...report, sequence: -1 })).status, 400);
});

test('a fault of the monitor is answered without its stack and logged with it', async () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', format: 'json', write: (line) => lines.push(line) });
  const monitor = {
    listFormations() {
      throw new TypeError('boom');
    },
  } as unknown as MonitorService;
  const response = await createApi({
    monitor,
    token: null,
    log,
    closing: new AbortController().signal,
  }).request('/v1/formations');
  assert.equal(response.status, 500);
  assert.deepEqual(await errorOf(response), { code: 'BATON_INTERNAL', message: 'boom' });
  assert.match(lines.join(''), /app\.test\.ts/);
});

test('every error comes out of the wire as it went in, and an unknown code is no crash', () => {
  for (const code of ERROR_CODES) {
    const error = new BatonError(code, 'message', { detail: 'D.', hint: 'H.' });
    const { code: received, message, detail, hint } = fromErrorBody(toErrorBody(error));
    assert.deepEqual([received, message, detail, hint], [code, 'message', 'D.', 'H.']);
  }
  const newer = fromErrorBody({ error: { code: 'BATON_FROM_THE_FUTURE', message: 'm' } });
  assert.equal(newer.code, 'BATON_REFUSED');
  assert.match(newer.detail ?? '', /BATON_FROM_THE_FUTURE/);
});
