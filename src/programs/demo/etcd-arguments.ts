/** A member of an etcd without TLS. */
export interface EtcdMemberAddress {
  readonly name: string;
  readonly host: string;
  /** For clients. */
  readonly port: number;
  /** For the other members. */
  readonly peerPort: number;
}

/** For the process of a member: version 3.4 does not start on ARM without being told that this is known. */
export const ETCD_ENVIRONMENT: Readonly<Record<string, string>> =
  process.arch === 'arm64' ? { ETCD_UNSUPPORTED_ARCH: 'arm64' } : {};

/** How a member of a new etcd is started, and started again: with its data there, etcd passes over who the members are. */
export function etcdArguments(options: {
  readonly member: EtcdMemberAddress;
  /** All of them. */
  readonly members: readonly EtcdMemberAddress[];
  readonly dataDirectory: string;
  /** Of the clients. */
  readonly scheme?: 'http' | 'https';
}): readonly string[] {
  const { member, members, dataDirectory, scheme = 'http' } = options;
  const peerUrl = ({ host, peerPort }: EtcdMemberAddress): string => `http://${host}:${peerPort}`;
  const clientUrl = `${scheme}://${member.host}:${member.port}`;
  return [
    `--name=${member.name}`,
    `--data-dir=${dataDirectory}`,
    '--logger=zap',
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl(member)}`,
    `--initial-advertise-peer-urls=${peerUrl(member)}`,
    `--initial-cluster=${members.map((each) => `${each.name}=${peerUrl(each)}`).join(',')}`,
    // etcd's own defaults, and with them the shortest lease is 2 s.
    '--heartbeat-interval=100',
    '--election-timeout=1000',
  ];
}
