import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wholeCluster } from '../servers.ts';
import { BIN, until, type Stage } from '../stage.ts';
import type { Cluster, DataNode, System } from '../system.ts';

const SSH_PORT = 2_222;

type Settings = Readonly<Record<string, number>>;

export const repmgr: readonly System[] = [
  variant('repmgr-default', {}),
  variant('repmgr-fast', {
    monitor_interval_secs: 1,
    reconnect_attempts: 1,
    reconnect_interval: 1,
    election_rerun_interval: 1,
    promote_check_interval: 1,
  }),
];

function variant(name: string, tuning: Settings): System {
  const changed = Object.entries(tuning).map(([key, value]) => `${key}: ${value}`);
  const settings = changed.length === 0 ? 'defaults with failover: automatic' : changed.join(', ');
  return { name, settings, create: (stage) => createCluster(stage, tuning) };
}

async function createCluster(stage: Stage, tuning: Settings): Promise<Cluster> {
  const nodes = stage.dataNodes();
  const [first, ...others] = nodes;
  if (first === undefined) throw new Error('there are no nodes');
  const key = makeKey(stage);
  for (const node of nodes) writeConfiguration(stage, node, key, tuning);
  const repmgrIn = ({ host }: DataNode, ...args: readonly string[]): Promise<string> =>
    stage.run(host, ['repmgr', '-f', configurationOf(stage, host.name), ...args]);
  const cloneFrom = async (node: DataNode, source: DataNode): Promise<void> => {
    const from = ['-h', source.host.address, '-p', String(source.port), '-U', 'repmgr', '-d', 'repmgr'];
    await repmgrIn(node, ...from, 'standby', 'clone', '--force', '--fast-checkpoint');
    appendFileSync(join(node.dataDirectory, 'postgresql.conf'), `port = ${node.port}\n`);
    await startServer(stage, node);
    await repmgrIn(node, 'standby', 'register', '--force');
  };
  const startDaemon = ({ host }: DataNode): void =>
    void stage.start(host, ['repmgrd', '-f', configurationOf(stage, host.name), '--daemonize=false']);
  const startSsh = ({ host }: DataNode): void =>
    void stage.start(host, ['/usr/sbin/sshd', '-D', '-e', '-f', join(stage.folderOf(host), 'sshd_config')]);

  for (const node of nodes) startSsh(node);
  await createPrimary(stage, first);
  await repmgrIn(first, 'primary', 'register');
  for (const node of others) await cloneFrom(node, first);
  for (const node of nodes) startDaemon(node);
  await until('a whole cluster of repmgr', 60, async () => (await wholeCluster(nodes)) !== undefined);

  return {
    nodes,
    controlHosts: [],
    async boot(host) {
      const node = nodes.find((each) => each.host === host);
      if (node === undefined) return;
      startSsh(node);
      await startServer(stage, node);
      startDaemon(node);
    },
    async switchover(_from, to) {
      await repmgrIn(to, 'standby', 'switchover', '--siblings-follow');
    },
    isContent: async () => true,
    async repair(node, primary) {
      if (existsSync(join(node.dataDirectory, 'postmaster.pid')))
        await stage
          .run(node.host, [`${BIN}/pg_ctl`, 'stop', '-D', node.dataDirectory, '-m', 'immediate'])
          .catch(() => undefined);
      await cloneFrom(node, primary);
    },
  };
}

async function createPrimary(stage: Stage, node: DataNode): Promise<void> {
  const { host, port, dataDirectory } = node;
  await stage.run(host, [`${BIN}/initdb`, '-D', dataDirectory, '-U', 'postgres', '-A', 'trust']);
  appendFileSync(join(dataDirectory, 'pg_hba.conf'), 'host all,replication all 0.0.0.0/0 trust\n');
  const settings = [
    "listen_addresses = '*'",
    `port = ${port}`,
    "shared_preload_libraries = 'repmgr'",
    'wal_log_hints = on',
    "wal_keep_size = '512MB'",
  ];
  appendFileSync(join(dataDirectory, 'postgresql.conf'), `${settings.join('\n')}\n`);
  await startServer(stage, node);
  for (const command of ['create role repmgr superuser login', 'create database repmgr owner repmgr'])
    await stage.run(host, ['psql', '-p', String(port), '-c', command]);
}

async function startServer(stage: Stage, { host, dataDirectory }: DataNode): Promise<void> {
  const log = join(stage.folderOf(host), 'postgresql.log');
  await stage.run(host, [`${BIN}/pg_ctl`, 'start', '-w', '-D', dataDirectory, '-l', log]);
}

function configurationOf(stage: Stage, host: string): string {
  return join(stage.directory, host, 'repmgr.conf');
}

function writeConfiguration(stage: Stage, node: DataNode, key: string, tuning: Settings): void {
  const { name, host, port, dataDirectory } = node;
  const file = configurationOf(stage, name);
  const repmgrCommand = (action: string): string => `'${BIN}/repmgr standby ${action} -f ${file}'`;
  const ssh = `-p ${SSH_PORT} -i ${key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=10`;
  const lines = [
    `node_id = ${name.replace(/\D/g, '')}`,
    `node_name = '${name}'`,
    `conninfo = 'host=${host.address} port=${port} user=repmgr dbname=repmgr connect_timeout=2'`,
    `data_directory = '${dataDirectory}'`,
    `pg_bindir = '${BIN}'`,
    `ssh_options = '-q ${ssh}'`,
    'failover = automatic',
    `promote_command = ${repmgrCommand('promote')}`,
    `follow_command = ${repmgrCommand('follow --upstream-node-id=%n')}`,
    `repmgrd_pid_file = '${join(stage.folderOf(host), 'repmgrd.pid')}'`,
    ...Object.entries(tuning).map(([setting, value]) => `${setting} = ${value}`),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const daemon = [
    `Port ${SSH_PORT}`,
    `ListenAddress ${host.address}`,
    `HostKey ${key}`,
    `AuthorizedKeysFile ${key}.pub`,
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
  ];
  writeFileSync(join(stage.folderOf(host), 'sshd_config'), `${daemon.join('\n')}\n`);
}

/** repmgr's switchover works over ssh between the hosts: one key for all, which lives as long as the cluster. */
function makeKey(stage: Stage): string {
  const key = join(stage.directory, 'ssh-key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  execFileSync('chown', ['postgres:', key, `${key}.pub`]);
  return key;
}
