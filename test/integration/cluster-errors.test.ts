import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { runPgbaton, type CommandOutcome } from '../support/cluster-process.ts';
import { freePort } from '../support/free-port.ts';
import { sharedCluster, type TestCluster } from '../support/test-cluster.ts';

async function listenOn(context: TestContext, port: number): Promise<void> {
  const server: Server = createServer(() => undefined);
  context.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
}

/** A command line that is complete except for what a test adds or leaves out. */
function createNode(
  cluster: TestCluster,
  pgdata: string,
  port: number,
  rest: readonly string[],
): Promise<CommandOutcome> {
  const where = [
    '--pgdata',
    pgdata,
    '--pgport',
    String(port),
    '--hostname',
    '127.0.0.1',
    '--ssl-self-signed',
  ];
  return runPgbaton(['create', 'postgres', ...where, ...rest], { cwd: cluster.directory });
}

function assertNotMade(pgdata: string): void {
  assert.equal(existsSync(pgdata) && readdirSync(pgdata).length > 0, false);
  assert.equal(existsSync(join(`${pgdata}.pgbaton`, 'pgbaton.yaml')), false);
}

describe('what can not work is refused, and the message says why', () => {
  const cluster = sharedCluster({ nodes: 2, monitorAuth: 'token' });
  const monitor = (): readonly string[] => ['--monitor', cluster().monitor.uri];
  const token = (): readonly string[] => ['--token-file', cluster().monitor.tokenFile ?? ''];

  test('a second keeper for the same data directory, and the first goes on', async () => {
    const node = cluster().node(1);
    const { exitCode, stderr } = await cluster().pgbaton(['run', '--pgdata', node.pgdata]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /pgbaton runs for this directory already/);
    assert.match(stderr, new RegExp(`Its pid is ${node.keeper().pid} `));
    await cluster().assertWhole();
  });

  test('a second monitor for the same directory', async () => {
    const running = cluster().monitor;
    const { exitCode, stderr } = await cluster().pgbaton(['run', '--pgdata', running.pgdata]);
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      new RegExp(`runs for this directory already[^]*Its pid is ${running.process().pid} `),
    );
  });

  test('a port on which something listens, before anything is registered or written', async (context) => {
    const [pgdata, port] = [join(cluster().directory, 'other'), await freePort()];
    await listenOn(context, port);
    const { exitCode, stderr } = await createNode(cluster(), pgdata, port, [...monitor(), ...token()]);
    assert.equal(exitCode, 1);
    assert.match(stderr, new RegExp(`port ${port} is in use\nHINT: .*--pgport`));
    assertNotMade(pgdata);
    assert.equal((await cluster().group()).nodes.length, 2);
  });

  test('a data directory that holds something else is left as it is', async () => {
    const pgdata = join(cluster().directory, 'photos');
    mkdirSync(pgdata);
    writeFileSync(join(pgdata, 'holiday.jpg'), 'a beach');
    const port = await freePort();
    const { exitCode, stderr } = await createNode(cluster(), pgdata, port, [...monitor(), ...token()]);
    assert.equal(exitCode, 4);
    assert.match(
      stderr,
      /is not empty and not a PostgreSQL data directory\nDETAIL: {2}It contains holiday.jpg/,
    );
    assert.equal(readFileSync(join(pgdata, 'holiday.jpg'), 'utf8'), 'a beach');
    assert.equal((await cluster().group()).nodes.length, 2);
  });

  test('a monitor that is not there, and one that does not answer', async (context) => {
    const [absent, deaf] = [await freePort(), await freePort()];
    await listenOn(context, deaf);
    const pgdata = join(cluster().directory, 'other');
    for (const { port, message } of [
      { port: absent, message: /could not reach the monitor[^]*HINT: {2}Is the monitor running/ },
      { port: deaf, message: /could not connect to the monitor at \S+ within \d+ ms/ },
    ]) {
      const uri = `pgbaton://127.0.0.1:${port}?sslmode=require`;
      const outcomes = await Promise.all([
        createNode(cluster(), pgdata, await freePort(), ['--monitor', uri]),
        runPgbaton(['show', 'state', '--monitor', uri], { cwd: cluster().directory }),
      ]);
      for (const { exitCode, stderr } of outcomes) {
        assert.equal(exitCode, 3, stderr);
        assert.match(stderr, message);
        assert.match(stderr, new RegExp(`127.0.0.1:${port}`));
      }
    }
    assertNotMade(pgdata);
  });

  test('a wrong token, a missing one, and one that others can read', async () => {
    const file = join(cluster().directory, 'wrong-token');
    writeFileSync(file, 'not-the-token\n', { mode: 0o600 });
    const pgdata = join(cluster().directory, 'other');
    for (const rest of [[], ['--token-file', file]]) {
      const port = await freePort();
      const { exitCode, stderr } = await createNode(cluster(), pgdata, port, [...monitor(), ...rest]);
      assert.equal(exitCode, 1);
      assert.match(stderr, /HINT: .*--token-file/);
      assert.doesNotMatch(stderr, /not-the-token/);
    }
    chmodSync(file, 0o644);
    const line = ['show', 'state', ...monitor(), '--token-file', file];
    const { exitCode, stderr } = await runPgbaton(line, { cwd: cluster().directory });
    assert.equal(exitCode, 1);
    assert.match(stderr, new RegExp(`"${file}" can be read by others\nHINT: .*chmod 600`));
    assert.equal((await cluster().group()).nodes.length, 2);
  });

  test('a monitor whose certificate is another one', async () => {
    const { port, pgdata } = cluster().monitor;
    const foreign = join(cluster().node(1).stateDirectory, 'server.crt');
    for (const query of ['sslmode=verify-full', `sslmode=verify-ca&sslrootcert=${foreign}`]) {
      const uri = `pgbaton://127.0.0.1:${port}?${query}`;
      const { exitCode, stderr } = await cluster().pgbaton(['show', 'state', '--monitor', uri]);
      assert.equal(exitCode, 3);
      assert.match(stderr, /certificate of the monitor at \S+ is not trusted[^]*HINT: .*sslrootcert/);
    }
    const own = `pgbaton://127.0.0.1:${port}?sslmode=verify-full&sslrootcert=${join(pgdata, 'server.crt')}`;
    assert.equal((await cluster().pgbaton(['show', 'state', '--monitor', own])).exitCode, 0);
  });

  test('a node with the name of another one', async () => {
    const pgdata = join(cluster().directory, 'other');
    const rest = [...monitor(), ...token(), '--name', 'node1'];
    const { exitCode, stderr } = await createNode(cluster(), pgdata, await freePort(), rest);
    assert.equal(exitCode, 1);
    assert.match(stderr, /"node1"/);
    assertNotMade(pgdata);
  });

  for (const { fault, change, message } of [
    {
      fault: 'a value of the wrong kind',
      change: (text: string) => text.replace(/(^postgres:$[^]*?^ {2}port: ).*$/m, '$1eighty'),
      message: '"postgres.port" must be a number',
    },
    {
      fault: 'a key that is misspelt',
      change: (text: string) => text.replace(/^ {2}listen_addresses:/m, '  listen_adresses:'),
      message: 'unknown key "postgres.listen_adresses" (did you mean "listen_addresses"?)',
    },
    {
      fault: 'what is no YAML',
      change: (text: string) => text.replace(/^hostname: .*$/m, 'hostname: "127.0.0.1'),
      message: '',
    },
  ]) {
    test(`a configuration with ${fault}: file, line and key are named, and PostgreSQL goes on`, async () => {
      const node = cluster().node(2);
      const file = join(node.stateDirectory, 'pgbaton.yaml');
      const before = readFileSync(file, 'utf8');
      const after = change(before).split('\n');
      const line = after.findIndex((text, index) => text !== before.split('\n')[index]) + 1;
      await node.killKeeper();
      try {
        writeFileSync(file, after.join('\n'));
        const { exitCode, stderr } = await cluster().pgbaton(['run', '--pgdata', node.pgdata]);
        assert.equal(exitCode, 1);
        const where = stderr.slice(stderr.indexOf(`"${file}", line `));
        if (message !== '') assert.ok(where.startsWith(`"${file}", line ${line}: ${message}`), stderr);
        else assert.match(where, /line \d+: /);
      } finally {
        writeFileSync(file, before);
        node.startKeeper();
      }
      await cluster().assertWhole(undefined, { nodes: 2 });
    });
  }
});
