import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMonitorClient } from '../../src/api/client.ts';
import { parseMonitorUri } from '../../src/config/monitor-uri.ts';
import { createMonitorDirectory } from '../../src/monitor/create-monitor-directory.ts';
import { createSelfSignedCertificate } from '../../src/system/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { createTestMonitor, eventually, monitorConfig } from '../support/test-monitor.ts';

test('a new monitor has the formation "default", private files, and stops cleanly', async (context) => {
  const monitor = await createTestMonitor(context);
  await monitor.start();
  const formations = await monitor.client.listFormations();
  assert.deepEqual(
    formations.map(({ name }) => name),
    ['default'],
  );
  assert.equal(statSync(monitor.directory).mode & 0o777, 0o700);
  for (const file of ['token', 'server.key', 'pgbaton.yaml']) {
    assert.equal(statSync(join(monitor.directory, file)).mode & 0o777, 0o600, file);
  }
  assert.equal(await monitor.end('SIGTERM'), 0);
  assert.match(monitor.output(), /monitor stopped/);
});

test('a directory that is not empty is refused and left as it is', async (context) => {
  const { directory } = await createTestMonitor(context);
  const before = readFileSync(join(directory, 'token'), 'utf8');
  await assert.rejects(createMonitorDirectory(directory, monitorConfig(16_200)), {
    code: 'BATON_DATA_DIRECTORY',
    hint: /pgbaton run/,
  });
  assert.equal(readFileSync(join(directory, 'token'), 'utf8'), before);
  await assert.rejects(createMonitorDirectory(join(directory, '..'), monitorConfig(16_200)), {
    code: 'BATON_DATA_DIRECTORY',
    message: /is not empty/,
  });
});

test('a second monitor on the same directory is refused, also when the pid file is gone', async (context) => {
  const monitor = await createTestMonitor(context);
  await monitor.start();
  const run = () =>
    spawnSync(process.execPath, ['src/programs/monitor-main.ts', monitor.directory], {
      cwd: join(import.meta.dirname, '../..'),
      encoding: 'utf8',
    });
  const refused = run();
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /runs for this directory already/);
  rmSync(join(monitor.directory, 'pgbaton.pid'));
  const locked = run();
  assert.equal(locked.status, 1);
  assert.match(locked.stderr, /in use by another process/);
  assert.ok((await monitor.client.health()).ok);
});

test('a port that is in use is named', async (context) => {
  const monitor = await createTestMonitor(context);
  const occupant = createServer();
  context.after(() => occupant.close());
  await new Promise<void>((resolve) => occupant.listen(monitor.port, '127.0.0.1', resolve));
  assert.equal(await monitor.runToEnd(), 1);
  assert.match(monitor.output(), new RegExp(`port ${monitor.port} is in use`));
});

test('a malformed configuration is named with file, line and key, and nothing is started', async (context) => {
  const monitor = await createTestMonitor(context);
  const file = join(monitor.directory, 'pgbaton.yaml');
  const text = readFileSync(file, 'utf8');
  const line = text.split('\n').findIndex((each) => each.startsWith('port:')) + 1;
  writeFileSync(file, text.replace(/^port: .*$/m, 'port: eighty'));
  assert.equal(await monitor.runToEnd(), 1);
  assert.match(monitor.output(), new RegExp(`"${file}", line ${line}: "port" must be a number`));
});

test('a wrong token and a missing one are refused, also for the watch', async (context) => {
  const monitor = await createTestMonitor(context);
  await monitor.start();
  for (const token of ['wrong', undefined]) {
    const client = createMonitorClient(parseMonitorUri(monitor.uri), { token });
    context.after(() => client.close());
    await assert.rejects(client.listFormations(), { code: 'BATON_UNAUTHORIZED', hint: /--token-file/ });
    const abort = new AbortController();
    for await (const event of client.watchGroup({ formation: 'default', group: 0 }, abort.signal)) {
      assert.ok(event.kind === 'disconnected' && event.error.code === 'BATON_UNAUTHORIZED');
      abort.abort();
    }
  }
});

test('with --auth trust nobody needs a token', async (context) => {
  const monitor = await createTestMonitor(context, { auth: 'trust' });
  assert.equal(monitor.tokenFile, null);
  await monitor.start();
  assert.equal((await monitor.client.listFormations()).length, 1);
});

test('a certificate is verified as far as the URI asks for it', async (context) => {
  const monitor = await createTestMonitor(context, { auth: 'trust' });
  await monitor.start();
  const other = await createTestMonitor(context);
  const own = join(monitor.directory, 'server.crt');
  const foreign = join(other.directory, 'server.crt');
  const reach = async (query: string, host = 'localhost') => {
    const client = createMonitorClient(parseMonitorUri(`pgbaton://${host}:${monitor.port}?${query}`));
    context.after(() => client.close());
    return (await client.health()).ok;
  };
  assert.ok(await reach('sslmode=require'));
  assert.ok(await reach(`sslmode=verify-full&sslrootcert=${own}`));
  assert.ok(await reach(`sslmode=verify-full&sslrootcert=${own}`, '127.0.0.1'));
  const untrusted = { code: 'BATON_TLS_UNTRUSTED', hint: /sslrootcert/ };
  await assert.rejects(reach('sslmode=verify-full'), untrusted);
  await assert.rejects(reach(`sslmode=verify-ca&sslrootcert=${foreign}`), untrusted);
  await assert.rejects(reach(`sslmode=require&sslrootcert=${foreign}`), untrusted);
  await assert.rejects(reach('sslmode=verify-full&sslrootcert=/nonexistent'), {
    code: 'BATON_CONFIG_INVALID',
  });
});

test('verify-full refuses a certificate of another host, verify-ca takes it', async (context) => {
  const monitor = await createTestMonitor(context, { auth: 'trust' });
  const certFile = join(monitor.directory, 'server.crt');
  await monitor.start();
  const ca = `sslrootcert=${certFile}`;
  const reach = async (query: string) => {
    // 127.0.0.2 is this machine too, and stands in no certificate.
    const client = createMonitorClient(parseMonitorUri(`pgbaton://127.0.0.2:${monitor.port}?${query}`));
    context.after(() => client.close());
    return (await client.health()).ok;
  };
  await assert.rejects(reach(`sslmode=verify-full&${ca}`), { code: 'BATON_UNREACHABLE' });
  await monitor.end('SIGTERM');
  const file = join(monitor.directory, 'pgbaton.yaml');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('listen_addresses: 127.0.0.1', 'listen_addresses: "*"'),
  );
  await monitor.start();
  await assert.rejects(reach(`sslmode=verify-full&${ca}`), { code: 'BATON_TLS_UNTRUSTED' });
  assert.ok(await reach(`sslmode=verify-ca&${ca}`));
});

test('TLS against a monitor without it, and the other way round, say what to change', async (context) => {
  const plain = await createTestMonitor(context, {
    auth: 'trust',
    ssl: { mode: 'off', certFile: null, keyFile: null, caFile: null },
  });
  await plain.start();
  assert.match(plain.uri, /sslmode=disable/);
  const encrypted = createMonitorClient({ host: 'localhost', port: plain.port, sslmode: 'require' });
  await assert.rejects(encrypted.health(), { code: 'BATON_UNREACHABLE', hint: /sslmode=disable/ });
  encrypted.close();

  const tls = await createTestMonitor(context, { auth: 'trust' });
  await tls.start();
  const clear = createMonitorClient({ host: 'localhost', port: tls.port, sslmode: 'disable' });
  await assert.rejects(clear.health(), { code: 'BATON_UNREACHABLE', hint: /sslmode=require/ });
  clear.close();
});

test('a monitor that does not answer is told from one that is not there', async (context) => {
  const port = await freePort();
  const absent = createMonitorClient({ host: 'localhost', port, sslmode: 'require' });
  await assert.rejects(absent.health(), { code: 'BATON_UNREACHABLE', hint: /Is the monitor running/ });
  absent.close();
  const deaf = createServer(() => undefined);
  context.after(() => {
    deaf.closeAllConnections();
    deaf.close();
  });
  await new Promise<void>((resolve) => deaf.listen(port, '127.0.0.1', resolve));
  const client = createMonitorClient({ host: '127.0.0.1', port, sslmode: 'disable' });
  await assert.rejects(client.health({ timeoutMs: 200 }), {
    code: 'BATON_TIMEOUT',
    message: /did not answer/,
  });
  client.close();
});

test('what is no monitor is told so', async (context) => {
  const port = await freePort();
  const web = createServer((_request, response) => response.end('<html>It works!</html>'));
  context.after(() => web.close());
  await new Promise<void>((resolve) => web.listen(port, '127.0.0.1', resolve));
  const client = createMonitorClient({ host: '127.0.0.1', port, sslmode: 'disable' });
  await assert.rejects(client.health(), { code: 'BATON_UNREACHABLE', message: /is not a pgbaton monitor/ });
  client.close();
});

test('given certificates are used, and new ones after SIGHUP without a restart', async (context) => {
  const helper = await createTestMonitor(context);
  const certFile = join(helper.directory, 'server.crt');
  const keyFile = join(helper.directory, 'server.key');
  const monitor = await createTestMonitor(context, {
    auth: 'trust',
    ssl: { mode: 'files', certFile, keyFile, caFile: certFile },
  });
  assert.match(monitor.uri, /sslmode=verify-full&sslrootcert=/);
  await monitor.start();

  await createSelfSignedCertificate({ hostname: 'localhost', certFile, keyFile });
  const reach = async () => {
    const client = createMonitorClient(parseMonitorUri(monitor.uri));
    const answer = await client.health().catch(() => undefined);
    client.close();
    return answer?.ok;
  };
  assert.equal(await reach(), undefined);
  monitor.signal('SIGHUP');
  await eventually('the new certificate is used', reach);

  writeFileSync(certFile, 'broken');
  monitor.signal('SIGHUP');
  await eventually('the broken one is refused', () => monitor.output().includes('was not reloaded'));
  assert.match(monitor.output(), /are no certificate and its key/);
  assert.ok((await monitor.client.health()).ok, 'the monitor goes on with the old certificate');
});
