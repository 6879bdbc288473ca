import type { EventBody } from '../../src/api/schemas.ts';
import type { MonitorClient } from '../../src/api/client.ts';
import type { Follower, PostgresReport, Report } from '../../src/core/evidence.ts';
import { currentRule, DEFAULT_SETTINGS, emptyRecord } from '../../src/core/group-record.ts';
import { registerNode, updateNode } from '../../src/core/requests.ts';
import { createFaultLog } from '../../src/deciding/fault-log.ts';
import { createGroupDecider, type GroupDecider } from '../../src/deciding/group-decider.ts';
import { toEvent } from '../../src/deciding/group-events.ts';
import { recordKey } from '../../src/deciding/record-key.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { SILENT_LOGGER } from '../../src/telemetry/logger.ts';
import { aFollower } from './a-group.ts';
import { aReport } from './a-report.ts';
import { createManualClock } from './manual-clock.ts';

const CALL = { timeoutMs: 1_000 };
const GROUP = { formation: 'default', group: 0 };
const END = { timeline: 1, lsn: '0/5000000' };

/** A group that the monitor's own decider has led, with its history in a store. */
export interface DecidedGroup {
  readonly store: Store;
  decider(): GroupDecider;
  /** As after a restart of the monitor: nothing but the store is known. */
  restart(): Promise<void>;
  /** Nodes `a` and `b`; `a` is the primary, `b` its voter. */
  form(): Promise<void>;
  /** PostgreSQL of `a` crashes, and `b` is promoted. */
  failOver(): Promise<void>;
  /** A person changes the candidate priority of `b`. */
  setPriority(candidatePriority: number): Promise<void>;
  /** Someone else writes the record without an event. */
  changeBehindItsBack(): Promise<void>;
  /** What an export asks of the monitor. */
  readonly client: Pick<MonitorClient, 'listEvents'>;
}

export async function aDecidedGroup(): Promise<DecidedGroup> {
  const clock = createManualClock();
  const store = createMemoryStore({ clock });
  const empty = emptyRecord(GROUP.formation, GROUP.group, DEFAULT_SETTINGS);
  const key = recordKey(GROUP.formation, GROUP.group);
  await store.swap({ changes: [{ key, expected: null, value: JSON.stringify(empty) }] }, CALL);
  let sequence = 0;
  let decider = await open();

  async function open(): Promise<GroupDecider> {
    const stored = await store.get(key, CALL);
    const record = JSON.parse(stored?.value ?? '') as typeof empty;
    return createGroupDecider(
      { record, version: stored?.version ?? 0 },
      {
        store,
        log: SILENT_LOGGER,
        faults: createFaultLog(SILENT_LOGGER, () => clock.now()),
        now: () => clock.now(),
        wallClock: () => Date.UTC(2026, 10, 20, 3, 0, 0) + clock.now(),
        lagMs: () => 0,
      },
    );
  }

  async function report(node: number, changes: Partial<Report>, postgres: Partial<PostgresReport>) {
    clock.advance(10.25);
    sequence += 1;
    await decider.takeReport(aReport(node, { sequence, ...changes }, postgres));
  }

  /** The primary, with all of its rule in force. */
  async function reportPrimary(node: number, postgres: Partial<PostgresReport>) {
    const { record } = decider.current();
    const { term } = record;
    const rule = currentRule(record);
    const confirmedRule =
      rule === undefined ? null : { term, change: record.ruleChanges, cohort: [...rule.cohort], k: rule.k };
    await report(
      node,
      { promotedTerm: term, servingTerm: term, confirmedRule },
      { role: 'primary', ...postgres },
    );
  }

  async function register(name: string, port: number): Promise<void> {
    const node = { name, host: 'localhost', port, candidatePriority: 50, replicationQuorum: true };
    await decider.request({
      ask: (record) => registerNode(record, { ...node, systemIdentifier: null }),
      dryRun: false,
    });
  }

  return {
    store,
    decider: () => decider,
    async restart() {
      await decider.close();
      decider = await open();
    },
    async form() {
      await register('a', 5001);
      await reportPrimary(1, {});
      await register('b', 5002);
      await report(2, {}, { upstream: { term: 1, host: 'localhost', port: 5001, silentMs: 1 } });
      const followers = [aStreamingFollower(2)];
      for (let round = 0; round < 3; round++) await reportPrimary(1, { followers });
    },
    async failOver() {
      await report(1, { promotedTerm: 1, servingTerm: 1 }, { status: 'crashed', role: null });
      const pledge = { term: 2, position: END, history: [] };
      await report(2, { pledge }, {});
      const history = [{ timeline: 1, end: END.lsn }];
      const { timeline = 2 } = decider.current().record.reign ?? {};
      await reportPrimary(2, { history, position: { timeline, lsn: '0/5000100' }, markerTerm: 2 });
    },
    async setPriority(candidatePriority) {
      await decider.request({ ask: (record) => updateNode(record, 2, { candidatePriority }), dryRun: false });
    },
    async changeBehindItsBack() {
      const { record, version } = decider.current();
      const value = JSON.stringify({ ...record, nextNodeId: 7 });
      await store.swap({ changes: [{ key, expected: version, value }] }, CALL);
    },
    client: {
      async listEvents({ before, count = 10, details = false }): Promise<readonly EventBody[]> {
        return (await store.readNotes({ topic: 'default/0', before, limit: count, details }, CALL)).map(
          toEvent,
        );
      },
    },
  };
}

function aStreamingFollower(node: number): Follower {
  return aFollower(node, 1, { flushLsn: END.lsn, replayLsn: END.lsn });
}
