import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { globSync, readFileSync, readdirSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promoteByHand } from '../support/pg-ctl.ts';
import { sharedCluster, type TestCluster } from '../support/test-cluster.ts';

/** What must stay secret, with a name for messages: the secret itself must not get into these either. */
type Secrets = ReadonlyMap<string, string>;

function secretsOf(cluster: TestCluster): Secrets {
  const secrets = new Map<string, string>();
  for (const { name, stateDirectory } of cluster.nodes) {
    const text = readFileSync(join(stateDirectory, 'secrets.json'), 'utf8');
    for (const [key, value] of Object.entries(JSON.parse(text) as Record<string, string>))
      secrets.set(`${key} of ${name}`, value);
    secrets.set(`token of ${name}`, readFileSync(join(stateDirectory, 'token'), 'utf8').trim());
  }
  return secrets;
}

function secretsIn(text: string, secrets: Secrets): readonly string[] {
  return [...secrets].filter(([, secret]) => text.includes(secret)).map(([name]) => name);
}

interface File {
  readonly path: string;
  readonly stats: Stats;
}

/** Every file of the cluster: logs, data directories, the folders of keepers and monitor. */
function filesOf(cluster: TestCluster): readonly File[] {
  return globSync('**/*', { cwd: cluster.directory, exclude: [] })
    .map((name) => join(cluster.directory, name))
    .flatMap((path) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats?.isFile() === true ? [{ path, stats }] : [];
    });
}

/** What `ps` shows to everybody, and the environment, which it shows to the same user. */
function processesOf(cluster: TestCluster): readonly { readonly name: string; readonly text: string }[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const [command, environment] = ['cmdline', 'environ'].map((file) =>
          readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' '),
        );
        // PostgreSQL writes the titles of its processes over arguments and environment: only the folder tells.
        const where = `${readlinkSync(`/proc/${pid}/cwd`)} ${command}`;
        return where.includes(cluster.directory)
          ? [{ name: `${pid} ${command}`, text: `${command} ${environment}` }]
          : [];
      } catch {
        // Gone meanwhile, or another user's.
        return [];
      }
    });
}

describe('a group with passwords and a token', () => {
  const cluster = sharedCluster({ nodes: 2, auth: 'scram-sha-256', monitorAuth: 'token' });
  /** Arguments and environment of all processes that there were; a copy or a command takes less than a second. */
  const seen = new Map<string, string>();

  function watchProcesses(): () => void {
    const timer = setInterval(() => {
      for (const { name, text } of processesOf(cluster())) seen.set(name, text);
    }, 20);
    return () => clearInterval(timer);
  }

  before(async () => {
    const stop = watchProcesses();
    try {
      await cluster().addNode();
      await cluster().settled({ nodes: 3 });
      const standby = await cluster().standby();
      await promoteByHand(standby);
      await cluster().waitUntilNode(
        standby,
        'it to be stopped',
        (view) => view.reported_state !== 'secondary',
      );
      await cluster().settled({ nodes: 3 });
      const [primary, term] = [await cluster().primary(), await cluster().term()];
      await primary.killAllOfPostgres();
      await cluster().settled({ nodes: 3, afterTerm: term });
      const tokenFile = cluster().monitor.tokenFile ?? '';
      const byFile = { PGBATON_MONITOR_TOKEN: '' };
      await cluster().pgbaton(['perform', 'switchover', '--token-file', tokenFile], byFile);
      await cluster().settled({ nodes: 3, afterTerm: term + 1 });
    } finally {
      stop();
    }
  });

  test('all nodes have the same generated passwords', () => {
    const secrets = secretsOf(cluster());
    assert.equal(secrets.size, 9);
    for (const key of ['keeperPassword', 'replicationPassword', 'token']) {
      const values = [...secrets].filter(([name]) => name.startsWith(key)).map(([, secret]) => secret);
      assert.equal(new Set(values).size, 1, key);
      assert.match(values[0] ?? '', /^[\w-]{32,}$/, key);
    }
  });

  test('passwords are really asked for', async () => {
    const { pg_hba } = {
      pg_hba: await cluster()
        .node(1)
        .sql<{ auth_method: string; user_name: string[] }>(
          `select user_name, auth_method from pg_hba_file_rules where type <> 'local' and user_name <> '{all}'`,
        ),
    };
    assert(pg_hba.length > 0);
    for (const rule of pg_hba) assert.equal(rule.auth_method, 'scram-sha-256', JSON.stringify(rule));
  });

  test('secrets stand only in files of mode 0600, and in none that is a log, the store or PGDATA', () => {
    const secrets = secretsOf(cluster());
    const holders = filesOf(cluster()).filter(
      ({ path }) => secretsIn(readFileSync(path, 'latin1'), secrets).length > 0,
    );
    for (const { path, stats } of holders) {
      assert.equal(stats.mode & 0o777, 0o600, path);
      assert.match(
        path,
        /(\.pgbaton\/(secrets\.json|token|passfile)|monitor\/(token|secrets\/[^/]+\.json))$/,
      );
    }
    assert(holders.length >= 3 * 2 + 2, 'the search finds them where they have to be');
  });

  test('private keys can be read by their owner only', () => {
    const keys = filesOf(cluster()).filter(({ path }) => path.endsWith('.key'));
    assert.equal(keys.length, 4);
    for (const { path, stats } of keys) assert.equal(stats.mode & 0o777, 0o600, path);
  });

  test('no process has a secret among its arguments or in its environment, also while nodes are copied', () => {
    const secrets = secretsOf(cluster());
    for (const { name, text } of processesOf(cluster())) seen.set(name, text);
    for (const program of ['pg_basebackup', 'walreceiver'])
      assert(
        [...seen.values()].some((text) => text.includes(program)),
        `a ${program} was seen`,
      );
    for (const [name, text] of seen) assert.deepEqual(secretsIn(text, secrets), [], name);
  });

  test('no command shows a secret, and neither do events', async () => {
    const secrets = secretsOf(cluster());
    const lines = ['show state', 'show events', 'show settings', 'show uri', 'show nodes', 'why'];
    for (const line of lines) {
      for (const form of [line, `${line} --json`]) {
        const output = await cluster().run(...form.split(' '));
        assert.deepEqual(secretsIn(output, secrets), [], form);
      }
    }
    for (const file of ['config', 'state']) assert.ok(file);
  });

  test('PostgreSQL shows no password: not in its views, and of the roles only verifiers', async () => {
    const secrets = secretsOf(cluster());
    const [receiver] = await (
      await cluster().standby()
    ).sql<{ text: string }>(
      `select row_to_json(pg_stat_wal_receiver)::text as text from pg_stat_wal_receiver`,
    );
    assert.deepEqual(secretsIn(receiver?.text ?? '', secrets), []);
    const [roles] = await cluster()
      .node(1)
      .sql<{ text: string }>(
        `select string_agg(rolpassword, ' ') as text from pg_authid where rolname like 'pgbaton%'`,
      );
    assert.match(roles?.text ?? '', /^SCRAM-SHA-256\$\S+ SCRAM-SHA-256\$\S+$/);
  });
});
