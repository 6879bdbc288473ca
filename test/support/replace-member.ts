import type { ClusterEtcd, ClusterEtcdMember } from './cluster-etcd.ts';
import { etcdctl } from './etcd-cluster.ts';
import { eventually } from './test-monitor.ts';

/** A member that has lost its data is taken out and comes back as a new one, as etcd's guide says. */
export async function replaceMember(etcd: ClusterEtcd, lost: ClusterEtcdMember): Promise<void> {
  const others = etcd.members.filter((member) => member !== lost);
  const endpoints = others.map(({ host, port }) => `http://${host}:${port}`).join(',');
  const ctl = (...args: readonly string[]): Promise<string> =>
    etcdctl(['--endpoints', endpoints, '--command-timeout', '5s', ...args]);
  // What is asked while the others elect a leader is lost, and whether it was done is seen in the list only.
  await eventually(`${lost.name} to be taken out`, async () => {
    const list = await ctl('member', 'list').catch(() => undefined);
    if (list === undefined) return false;
    const id = memberId(list, lost.name);
    if (id !== undefined) await ctl('member', 'remove', id).catch(() => undefined);
    return id === undefined;
  });
  await ctl('member', 'add', lost.name, `--peer-urls=http://${lost.host}:${lost.peerPort}`);
  lost.start(['--initial-cluster-state=existing']);
}

/** Lines of `id, status, name, …`. */
function memberId(list: string, name: string): string | undefined {
  const row = list.split('\n').find((line) => line.split(', ')[2] === name);
  return row?.split(', ')[0];
}
