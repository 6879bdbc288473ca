import type { DecidingService } from '../api/monitor-service.ts';
import { BatonError } from '../lib/baton-error.ts';
import { VERSION } from '../lib/version.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { FormationToken } from './derived-secrets.ts';
import { createFaultLog } from './fault-log.ts';
import type { Formations } from './formations.ts';
import type { GroupDeciderDeps } from './group-decider.ts';
import { readEvents } from './group-events.ts';
import { LAG_WINDOW_MS, TICK_MS } from './deciding-pace.ts';
import { createLagMeter } from './lag-meter.ts';
import { moveCalls } from './move-calls.ts';
import { recoveryCalls } from './recovery-calls.ts';
import { groupCalls, nodeCalls, settingsCalls, type GroupSecrets } from './service-calls.ts';

export interface MonitorDeps {
  readonly store: Store;
  readonly secrets: GroupSecrets;
  /** Where the store can be written by others than those who have the token. */
  readonly proofOfMove?: FormationToken['proofOfMove'];
  readonly log: Logger;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** Wall clock, epoch ms: for people only. */
  readonly wallClock: () => number;
  /** For the applications' connection strings. */
  readonly sslmode: 'require' | 'prefer';
  readonly retention: { readonly days: number; readonly rows: number };
  /** The groups that are decided for and answered for here. */
  open(deps: GroupDeciderDeps): Promise<Formations>;
}

/** Decides for groups of a store, and answers for them. Listens to nothing itself. */
export interface Monitor extends DecidingService {
  /** Begins to look at what becomes due by time. */
  start(): void;
  /** Ends the timers and waits for what is under way; the store stays open. */
  stop(): Promise<void>;
}

const TRIM_EVERY_MS = 600_000;
const CALL = { timeoutMs: 5_000 };
const DAY_MS = 86_400_000;

export async function createMonitor(deps: MonitorDeps): Promise<Monitor> {
  const { store, log, now, wallClock, secrets } = deps;
  const lag = createLagMeter({ everyMs: () => TICK_MS, windowMs: LAG_WINDOW_MS, nowMs: now() });
  const faults = createFaultLog(log, now);
  const lagMs = (): number => lag.lagMs(now());
  const formations = await deps.open({ store, log, faults, now, wallClock, lagMs });
  const timers: NodeJS.Timeout[] = [];

  function tick(): void {
    // First of all: after this process has stood still, the reports that wait in its sockets have not been read yet.
    lag.tick(now());
    for (const decider of formations.allDeciders()) decider.tick();
  }

  async function trim(): Promise<void> {
    const { days, rows } = deps.retention;
    if (!formations.allDeciders().every((decider) => decider.isFirst())) return;
    try {
      const deleted = await store.trimNotes({ olderThanMs: wallClock() - days * DAY_MS, keep: rows }, CALL);
      if (deleted > 0) log.debug({ deleted }, 'old events deleted');
    } catch (error) {
      log.error({ err: error }, 'old events could not be deleted');
    }
  }

  return {
    health: () => ({ ok: !faults.isFaulty(), version: VERSION, incarnation: store.incarnation }),
    ...settingsCalls(formations, deps.sslmode),
    ...nodeCalls(formations, secrets),
    ...groupCalls(formations),
    ...recoveryCalls(formations, secrets, now),
    ...moveCalls(formations, deps),
    listFormations: () => formations.list(),
    getFormation: (formation) => formations.describe(formation),
    async createFormation({ name, kind, dbname, number_sync_standbys: numberSyncStandbys = null }) {
      if ((numberSyncStandbys ?? 0) > 0) {
        throw new BatonError(
          'BATON_REFUSED',
          `number_sync_standbys ${numberSyncStandbys} needs standbys first`,
          {
            hint: 'Set it when the nodes are there: "pgbaton set formation number-sync-standbys".',
          },
        );
      }
      await formations.create({ name, kind, dbname, numberSyncStandbys });
      log.info({ formation: name }, `formation "${name}" created`);
      return formations.describe(name);
    },
    async dropFormation(formation) {
      const { groups } = formations.describe(formation);
      await formations.drop(formation);
      for (const group of groups) await secrets.forget(formation, group);
      log.info({ formation }, `formation "${formation}" dropped`);
    },
    listEvents: (query) => readEvents(store, query),
    watchGroup: ({ formation, group }, listener) => formations.decider(formation, group).watch(listener),
    start() {
      timers.push(
        setInterval(tick, TICK_MS),
        setInterval(() => void trim(), TRIM_EVERY_MS),
      );
      void trim();
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await formations.close();
    },
  };
}
