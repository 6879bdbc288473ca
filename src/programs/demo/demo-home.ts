import type { MonitorClient } from '../../api/client.ts';
import type { DemoProcess } from './demo-process.ts';

/** Everything of the demo listens here only. */
export const DEMO_HOST = '127.0.0.1';

/** Where a demo keeps what was decided: in a monitor, or in an etcd of its own. */
export type DemoStore = 'monitor' | 'etcd';

/** The home of the decisions of a demo. */
export interface DemoHome {
  /** Once it resolves, a node can register. */
  start(): Promise<void>;
  /** What `create postgres` is to be told of it. To be asked for one node after the other. */
  nodeArguments(): readonly string[];
  /** A client, once the first node was started. */
  connect(): Promise<MonitorClient>;
  /** The monitor; undefined where the keepers decide. */
  readonly monitor: DemoProcess | undefined;
  /** As `PGDATA` it leads commands to the group. */
  readonly directory: string;
}

/** What a home is made with. */
export interface DemoHomeOptions {
  /** Of the whole demo. */
  readonly directory: string;
  /** As many as the home asks for, free on {@link DEMO_HOST}. */
  readonly ports: readonly number[];
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  /** Starts pgbaton, or another program. */
  readonly start: (name: string, args: readonly string[], program?: readonly string[]) => DemoProcess;
  /** Throws when a process of the demo has ended by itself. */
  readonly assertAllRun: () => void;
}
