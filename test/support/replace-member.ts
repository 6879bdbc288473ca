import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ClusterEtcd, ClusterEtcdMember } from './cluster-etcd.ts';

/** A member that has lost its data is taken out and comes back as a new one, as etcd's guide says. */
export async function replaceMember(etcd: ClusterEtcd, lost: ClusterEtcdMember): Promise<void> {
  const others = etcd.members.filter((member) => member !== lost);
  const endpoints = others.map(({ host, port }) => `http://${host}:${port}`).join(',');
  const ctl = async (...args: readonly string[]): Promise<string> => {
    const env = { ...process.env, ETCDCTL_API: '3' };
    const command = ['--endpoints', endpoints, '--command-timeout', '20s', ...args];
    return (await promisify(execFile)('etcdctl', command, { env, timeout: 30_000 })).stdout;
  };
  const id = memberId(await ctl('member', 'list'), lost.name);
  await ctl('member', 'remove', id);
  await ctl('member', 'add', lost.name, `--peer-urls=http://${lost.host}:${lost.peerPort}`);
  lost.start(['--initial-cluster-state=existing']);
}

/** Lines of `id, status, name, …`. */
function memberId(list: string, name: string): string {
  const row = list.split('\n').find((line) => line.split(', ')[2] === name);
  const [id] = row?.split(', ') ?? [];
  if (id === undefined) throw new Error(`etcd has no member ${name}: ${list}`);
  return id;
}
