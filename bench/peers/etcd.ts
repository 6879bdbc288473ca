import { join } from 'node:path';
import { etcdArguments, type EtcdMemberAddress } from '../../src/programs/demo/etcd-arguments.ts';
import type { Host } from '../../test/support/hosts/host.ts';
import type { Stage } from './stage.ts';

const CLIENT_PORT = 2_379;
const PEER_PORT = 2_380;

/** Three members of etcd, each on a host of its own: the same for everybody who needs one. */
export interface BenchEtcd {
  readonly hosts: readonly Host[];
  /** `host:port` of each member. */
  readonly endpoints: readonly string[];
  boot(host: Host): void;
}

/** Starts nothing yet. */
export function describeEtcd(stage: Stage): BenchEtcd {
  const hosts = [1, 2, 3].map((number) => stage.addHost(`etcd${number}`));
  const members = hosts.map(({ name, address }): EtcdMemberAddress => ({
    name,
    host: address,
    port: CLIENT_PORT,
    peerPort: PEER_PORT,
  }));
  return {
    hosts,
    endpoints: hosts.map(({ address }) => `${address}:${CLIENT_PORT}`),
    boot(host) {
      const member = members.find(({ name }) => name === host.name);
      if (member === undefined) throw new Error(`there is no etcd on ${host.name}`);
      const dataDirectory = join(stage.folderOf(host), 'data');
      stage.start(host, ['etcd', ...etcdArguments({ member, members, dataDirectory })]);
    },
  };
}
