import type { MonitorClient } from '../api/client.ts';
import type { MonitorConfig } from '../config/monitor-config.ts';
import type { NodeConfig } from '../config/node-config.ts';
import type { GroupRecord } from '../core/group-record.ts';

/**
 * What commands need of the layers that the command line may not import.
 * `src/programs/cli-main.ts` brings them, each loaded when it is called.
 */
export interface CliServices {
  /** Makes the directory of a monitor: configuration, token, certificate. */
  createMonitor(options: CreateMonitorOptions): Promise<CreatedMonitor>;
  /** Runs the monitor of a directory; resolves once it answers. */
  runMonitor(directory: string): Promise<RunningService>;
  /** Registers a node with its monitor and writes its files. */
  createNode(options: CreateNodeOptions): Promise<CreatedNode>;
  /**
   * Talks to the groups of a store whose keepers decide. `journalled`: the
   * record that a node here has, for a store that has lost its own. Throws
   * BATON_STORE_UNAVAILABLE.
   */
  connectStore(
    uri: string,
    token: string,
    journalled: () => Promise<GroupRecord | null>,
  ): Promise<MonitorClient>;
  /** Runs the keeper of a node; resolves once it has begun. */
  runNode(dataDirectory: string): Promise<RunningService>;
  /** Brings up a group, shows a failover, and resolves with the exit code. */
  runDemo(options: DemoOptions): Promise<number>;

  /** The process that holds a pid file, if it lives. */
  readPidFile(file: string): Promise<number | undefined>;
  /** The postmaster of a data directory, if it lives. */
  findPostmaster(dataDirectory: string): Promise<number | undefined>;
  /** Whether the process still runs. */
  isAlive(pid: number): boolean;
  /** False when the process is gone. Throws BATON_PRIVILEGES when it belongs to somebody else. */
  sendSignal(pid: number, signal: NodeJS.Signals): boolean;
  /** Whether the whole machine is being shut down, as far as its service manager tells. */
  isMachineStopping(): Promise<boolean>;
  /** Stops the server of a node whose keeper does not run; returns when no process of it is left. */
  stopPostgres(config: NodeConfig, mode: 'fast' | 'immediate'): Promise<void>;
  /** The passwords of a node's group; undefined when it has none. Throws when the file is damaged. */
  readSecrets(
    secretsFile: string,
  ): Promise<{ readonly keeperPassword: string; readonly replicationPassword: string } | undefined>;
  /** What a keeper has written down of its group and itself. Throws when it is damaged. */
  readJournal(stateDirectory: string): Promise<LocalJournal>;
}

export interface CreateMonitorOptions {
  readonly directory: string;
  readonly config: MonitorConfig;
  /** Which it shall have; undefined: a new one. */
  readonly token?: string | undefined;
}

export interface CreatedMonitor {
  readonly uri: string;
  readonly configFile: string;
  /** null with `--auth trust`. */
  readonly tokenFile: string | null;
}

export interface CreateNodeOptions {
  /** All but the id, and the name if the monitor shall choose it. */
  readonly config: NodeConfig;
  readonly token: string | undefined;
}

export interface CreatedNode {
  readonly name: string;
  readonly nodeId: number;
  readonly formation: string;
  readonly stateDirectory: string;
  /** Where the token of the formation stands if it was made now; the other nodes need a copy of it. */
  readonly newTokenFile: string | null;
}

/** A monitor or a keeper that runs in this process. */
export interface RunningService {
  /** Ends it. `keeper_only` leaves PostgreSQL running; for a monitor all three are the same. */
  stop(how: StopHow): Promise<void>;
  /** Reads the configuration again, as far as it can change while running. */
  reload(): Promise<void>;
  /** Resolves with a sentence when it has ended by itself; rejects when it failed. */
  readonly ended: Promise<string>;
}

export type StopHow = 'fast' | 'immediate' | 'keeper_only';

export interface DemoOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly nodes: number;
  readonly store: 'monitor' | 'etcd';
  readonly directory: string | undefined;
  readonly keep: boolean;
}

export interface LocalJournal {
  /** The newest record that the keeper has seen. */
  readonly record: GroupRecord | null;
  readonly recordVersion: number;
  /** The term in which this node let clients in as the primary. */
  readonly servingTerm: number | null;
}
