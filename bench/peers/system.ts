import type { Host } from '../../test/support/hosts/host.ts';
import type { Stage } from './stage.ts';

/** A PostgreSQL server under the care of a system. */
export interface DataNode {
  readonly name: string;
  readonly host: Host;
  readonly port: number;
  readonly dataDirectory: string;
}

/** A cluster of three servers, as one of the systems has set it up. */
export interface Cluster {
  readonly nodes: readonly DataNode[];
  /** The hosts of its control plane; none where it has none. */
  readonly controlHosts: readonly Host[];
  /** Starts what a service manager starts when this host boots. */
  readonly boot: (host: Host) => Promise<void>;
  /** Asks for a switchover to this node, in the system's own way. Rejects when it is refused. */
  switchover(from: DataNode, to: DataNode): Promise<void>;
  /** Whether the system itself says that all is as it should be; what SQL can see is asked by the benchmark. */
  isContent(): Promise<boolean>;
  /** What a person does to bring a node back that does not come by itself; the cluster is made anew without it. */
  repair?(node: DataNode, primary: DataNode): Promise<void>;
}

/** One way to keep a cluster available, with one choice of settings. */
export interface System {
  readonly name: string;
  /** Its settings in a few words, for the report. */
  readonly settings: string;
  create(stage: Stage): Promise<Cluster>;
}
