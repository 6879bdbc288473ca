import { createMonitorClient, type MonitorClient } from '../../src/api/client.ts';
import type { MonitorEndpoint } from '../../src/api/transport.ts';
import type { GroupRecord } from '../../src/core/group-record.ts';
import { registerFakeGroup, type FakeGroup } from '../../test/support/fake-group.ts';

/** A group whose keepers speak to the monitor like real ones, each over connections of its own, and have no PostgreSQL. */
export interface SimulatedGroup {
  /** The primary's PostgreSQL dies; resolves when the group has a new primary that serves. */
  crash(): Promise<FailoverTimes>;
}

/** Since the crash, ms. */
export interface FailoverTimes {
  readonly decidedMs: number;
  readonly confirmedMs: number;
}

export interface SimulatedGroupOptions {
  readonly endpoint: MonitorEndpoint;
  readonly token: string;
  readonly formation: string;
  readonly names: readonly string[];
  readonly heartbeatMs: number;
  /** Told how long the answer to each report took, ms. */
  readonly onAnswer: (ms: number) => void;
}

const LOOK_EVERY_MS = 2;
const GIVE_UP_MS = 120_000;
const CALL = { timeoutMs: 60_000 };

/** Resolves when every node is a voter. Reports for as long as the process lives. */
export async function formSimulatedGroup(options: SimulatedGroupOptions): Promise<SimulatedGroup> {
  const { endpoint, token, formation, names, heartbeatMs, onAnswer } = options;
  const address = { formation, group: 0 };
  const clients = new Map(
    names.map((name): [string, MonitorClient] => [name, createMonitorClient(endpoint, { token })]),
  );
  const clientOf = (name: string): MonitorClient => clients.get(name)!;
  const first = clientOf(names[0]!);
  await first.createFormation({ name: formation, kind: 'pgsql', dbname: 'postgres' }, CALL);
  const group = await registerFakeGroup(first, address, names, { clientOf, everyMs: heartbeatMs, onAnswer });
  void group.run(new AbortController().signal);
  await when(group, 'every node is a voter', ({ rules, intent }) => {
    return intent === null && rules.length === 1 && rules[0]?.cohort.length === names.length;
  });
  return { crash: () => crash(group) };
}

async function crash(group: FakeGroup): Promise<FailoverTimes> {
  const { nodes = [], reign, term = 0 } = group.record() ?? {};
  const holder = nodes.find(({ id }) => id === reign?.holder);
  group.crash(holder?.name ?? '');
  const decided = when(group, 'the failover is decided', (record) => record.term > term);
  const confirmed = when(group, 'the new reign is confirmed', (record) => {
    return record.reign !== null && record.reign.term > term && record.reign.confirmed;
  });
  return { decidedMs: await decided, confirmedMs: await confirmed };
}

/** After how many ms the newest record fulfilled the condition. */
async function when(
  group: FakeGroup,
  what: string,
  condition: (record: GroupRecord) => boolean,
): Promise<number> {
  const beganMs = performance.now();
  for (;;) {
    const record = group.record();
    const tookMs = Math.round(performance.now() - beganMs);
    if (record !== undefined && condition(record)) return tookMs;
    if (tookMs > GIVE_UP_MS) throw new Error(`not within ${GIVE_UP_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
