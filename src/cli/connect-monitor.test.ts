import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { aCliContext } from '../../test/support/a-cli-context.ts';
import { findMonitor } from './connect-monitor.ts';

interface Place {
  readonly directory: string;
  readonly monitor: string;
  readonly node: string;
}

/** A monitor on port 5000 and a node of it, each with its own copy of a token. */
function aPlace(t: TestContext): Place {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-cli-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const monitor = join(directory, 'monitor');
  const node = join(directory, 'node');
  mkdirSync(monitor);
  mkdirSync(`${node}.pgbaton`);
  writeFileSync(join(monitor, 'pgbaton.yaml'), 'role: monitor\nhostname: mon.example\n');
  writeFileSync(join(monitor, 'token'), 'of-the-monitor\n', { mode: 0o600 });
  writeFileSync(
    join(`${node}.pgbaton`, 'pgbaton.yaml'),
    `role: postgres\nhostname: n\nformation: f3\nmonitor:\n  uri: pgbaton://mon.example:5000\n  token_file: ${join(`${node}.pgbaton`, 'token')}\npostgres:\n  data_directory: ${node}\n`,
  );
  writeFileSync(join(`${node}.pgbaton`, 'token'), 'of-the-node\n', { mode: 0o600 });
  return { directory, monitor, node };
}

test('the directory of a monitor leads to that monitor, with its token', async (t) => {
  const { directory } = aPlace(t);
  const { endpoint, token } = await findMonitor(
    aCliContext({ cwd: directory, env: { PGDATA: './monitor' } }),
    {},
  );
  assert.deepEqual(endpoint, { host: 'mon.example', port: 5000, sslmode: 'require' });
  assert.equal(token, 'of-the-monitor');
});

test('the data directory of a node leads to its monitor', async (t) => {
  const { node } = aPlace(t);
  const { endpoint, token, local } = await findMonitor(aCliContext(), { pgdata: node });
  assert.equal(endpoint.host, 'mon.example');
  assert.equal(token, 'of-the-node');
  assert.equal(local?.role, 'postgres');
});

test('what stands on the command line wins over the environment', async (t) => {
  const { node, monitor } = aPlace(t);
  const env = { PGBATON_MONITOR: 'pgbaton://elsewhere:7000', PGDATA: monitor };
  const byEnvironment = await findMonitor(aCliContext({ env }), {});
  assert.equal(byEnvironment.endpoint.host, 'elsewhere');
  const byDirectory = await findMonitor(aCliContext({ env }), { pgdata: node });
  assert.equal(byDirectory.endpoint.host, 'mon.example');
  const byOption = await findMonitor(aCliContext({ env }), { pgdata: node, monitor: 'pgbaton://third:7000' });
  assert.equal(byOption.endpoint.host, 'third');
});

test('the token of one monitor is not shown to another', async (t) => {
  const { node } = aPlace(t);
  const { token } = await findMonitor(aCliContext(), { pgdata: node, monitor: 'pgbaton://mon.example:5001' });
  assert.equal(token, undefined);
  const same = await findMonitor(aCliContext(), { pgdata: node, monitor: 'pgbaton://mon.example:5000' });
  assert.equal(same.token, 'of-the-node');
});

test('a token that is given wins over the one of the configuration', async (t) => {
  const { directory, node } = aPlace(t);
  writeFileSync(join(directory, 'given'), 'given\n', { mode: 0o600 });
  const env = { PGBATON_MONITOR_TOKEN: 'of-the-environment' };
  const byEnvironment = await findMonitor(aCliContext({ env }), { pgdata: node });
  assert.equal(byEnvironment.token, 'of-the-environment');
  const byFile = await findMonitor(aCliContext({ env, cwd: directory }), {
    pgdata: node,
    tokenFile: 'given',
  });
  assert.equal(byFile.token, 'given');
});

test('a token file that others can read is refused', async (t) => {
  const { directory } = aPlace(t);
  writeFileSync(join(directory, 'open'), 'x\n', { mode: 0o644 });
  const given = { monitor: 'pgbaton://a', tokenFile: join(directory, 'open') };
  await assert.rejects(findMonitor(aCliContext(), given), { code: 'BATON_CONFIG_INVALID' });
});

test('a damaged configuration is an error only when it is needed', async (t) => {
  const { monitor } = aPlace(t);
  writeFileSync(join(monitor, 'pgbaton.yaml'), 'role: [');
  await assert.rejects(findMonitor(aCliContext(), { pgdata: monitor }), { code: 'BATON_CONFIG_INVALID' });
  const { endpoint } = await findMonitor(aCliContext(), { pgdata: monitor, monitor: 'pgbaton://b:1' });
  assert.equal(endpoint.host, 'b');
});

test('a CA file of a URI is meant from where the command runs', async () => {
  const { endpoint } = await findMonitor(aCliContext({ cwd: '/srv' }), {
    monitor: 'pgbaton://a?sslmode=verify-full&sslrootcert=ca.pem',
  });
  assert.equal(endpoint.sslrootcert, '/srv/ca.pem');
});
