import type { MonitorClient } from '../../src/api/client.ts';
import type { Place } from './place.ts';

/** Where the decisions of a test cluster stand: in a monitor, or in an etcd. */
export interface ClusterHome {
  /** Comes back by itself after the home was restarted. */
  readonly client: MonitorClient;
  /** Makes it, or starts all of it again, and waits until it answers. */
  start(): Promise<void>;
  /** Starts what of it has ended. */
  revive(): Promise<void>;
  /** SIGKILL to all of it. */
  kill(): Promise<void>;
  /** What `create postgres` is told of it. */
  createArguments(node: {
    readonly place: Place;
    readonly stateDirectory: string;
  }): Promise<readonly string[]>;
  /** After the first node was started: from now on there is a client. */
  connect(): Promise<void>;
  /** What leads commands to the cluster. */
  environment(): NodeJS.ProcessEnv;
  close(): void;
}
