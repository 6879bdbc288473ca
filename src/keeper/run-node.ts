import { setFlagsFromString } from 'node:v8';
import { readConfig } from '../config/config-file.ts';
import { NODE_CONFIG } from '../config/node-config.ts';
import { nodeFiles } from '../config/paths.ts';
import { BatonError } from '../lib/baton-error.ts';
import { createPostgresServer } from '../postgres/create-postgres-server.ts';
import { monotonicNow } from '../system/clock.ts';
import { lockPidFile } from '../system/pid-file.ts';
import { createLogger } from '../telemetry/logger.ts';
import { crashAt } from './crash-point.ts';
import { openFencing } from './open-fencing.ts';
import { openJournal } from './journal.ts';
import { openMovingHome } from './moving-home.ts';
import { serverOptionsOf } from './server-options.ts';
import { createKeeper, type StopHow } from './keeper.ts';

export interface RunningNode {
  /** Ends the keeper, and PostgreSQL first in the given mode; `keeper_only` leaves PostgreSQL running. */
  stop(how: StopHow): Promise<void>;
  /** Reads the configuration again; what can change while it runs does (the level of the log). */
  reload(): Promise<void>;
  /** Resolves with a sentence when the node was dropped from its group. */
  readonly ended: Promise<string>;
}

/**
 * A keeper does little and runs for months beside a database. What V8's
 * optimising compilers would gain is not noticed, and their code and its
 * results are 7 MB that stay resident.
 */
function stayFrugal(): void {
  setFlagsFromString('--no-opt');
  setFlagsFromString('--no-maglev');
}

export interface RunNodeOptions {
  readonly dataDirectory: string;
  readonly env: NodeJS.ProcessEnv;
  /** The file of the fencer's program. */
  readonly fencerProgram: string;
}

/**
 * Runs the keeper of the node that was created for a data directory. Throws
 * BATON_CONFIG_INVALID, BATON_ALREADY_RUNNING, BATON_POSTGRES_MISSING. A
 * monitor that can't be reached is no error: the journal says enough to go on.
 */
export async function runNode({ dataDirectory, env, fencerProgram }: RunNodeOptions): Promise<RunningNode> {
  const files = nodeFiles(dataDirectory);
  const config = readConfig(NODE_CONFIG, files.configFile);
  const { nodeId } = config;
  if (nodeId === null) {
    throw new BatonError('BATON_CONFIG_INVALID', `"${files.configFile}" has no node_id`, {
      hint: 'The node was not registered. Run `pgbaton create postgres` again.',
    });
  }
  stayFrugal();
  const log = createLogger({ level: config.log.level, format: config.log.format });
  const lock = await lockPidFile(files.pidFile);
  const serverOptions = await serverOptionsOf(config, files, log);
  const server = createPostgresServer(serverOptions);
  const journal = await openJournal(files.stateDirectory);
  const passCrashPoint = crashAt(env['PGBATON_CRASH_AT']);
  const home = await openMovingHome({ config, files, env, journal, log, passCrashPoint });
  const keeper = await createKeeper({
    node: nodeId,
    server,
    journal,
    connect: home.connect,
    readiness: home.readiness,
    fencing: openFencing({ config, files, serverOptions, program: fencerProgram, log }),
    log,
    nowMs: monotonicNow,
    passCrashPoint,
  });
  log.info(
    { node: nodeId, dataDirectory: config.postgres.dataDirectory },
    `keeper of "${config.name ?? nodeId}" runs`,
  );
  void keeper.run();

  return {
    ended: keeper.dropped.then(() => `"${config.name ?? nodeId}" was dropped from its group`),
    async reload() {
      const { log: changed } = readConfig(NODE_CONFIG, files.configFile);
      log.level = changed.level;
      log.info('configuration read again');
    },
    async stop(how) {
      await keeper.stop(how);
      await journal.close();
      await home.close();
      await server.close();
      await lock.release();
    },
  };
}
