import { startCountdown, waitFor } from '../../src/system/clock.ts';
import type { ClusterNode } from '../support/cluster-node.ts';
import { BOTH_OPEN_MS } from './budgets.ts';
import {
  acknowledgedByTwo,
  differences,
  lostCommits,
  rolledBackReads,
  type NodeContents,
} from './checks/findings.ts';
import { bothOpenMs, writeGapMs } from './checks/spans.ts';
import { machineMs } from './clients/client-log.ts';
import { READ_TABLES, type Tables } from './clients/statements.ts';
import type { Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

/** What came out of one play of a scenario. */
export interface Outcome {
  readonly title: string;
  readonly nodes: number;
  /** What did not hold, in words; nothing when all did. */
  readonly problems: readonly string[];
  readonly acknowledged: number;
  readonly unknown: number;
  readonly lost: number;
  readonly acknowledgedByTwo: number;
  readonly rolledBackReads: number;
  readonly bothOpenMs: number;
  /** The longest time without an acknowledgement, from the last one before the first fault on. */
  readonly writeGapMs: number;
  readonly budgetMs: number | null;
  /** From the moment when all was healed until everybody was back. */
  readonly rejoinMs: number | null;
  readonly neededPerson: boolean;
  readonly tookMs: number;
}

/** A group that is not back by itself by then needs a person. */
const REJOIN_MS = 150_000;
/** Only a gap that is longer is a failure: the machine may be loaded, and the figure stands beside its budget. */
const GAP_MS = 45_000;
const REPLAY_MS = 60_000;

/** Plays a scenario to its end and checks all that must hold. Never throws: what went wrong is a problem of the outcome. */
export async function runScenario(scenario: Scenario, stage: Stage, name: string): Promise<Outcome> {
  const startedMs = machineMs();
  const problems: string[] = [];
  let neededPerson = false;
  let rejoinMs: number | null = null;
  let contents: readonly NodeContents[] = [];
  let endMs: number | undefined;
  const nodes = stage.cluster.nodes.length;
  try {
    await stage.begin(name);
    await scenario.play(stage);
    const healedMs = machineMs();
    await stage.healAll();
    await stage.cluster.settled({ timeoutMs: REJOIN_MS }).catch((error: unknown) => {
      neededPerson = true;
      throw error;
    });
    rejoinMs = machineMs() - healedMs;
    problems.push(...changeOfReign(reignOf(scenario, stage), stage.firstTerm, await stage.cluster.term()));
    await stage.clients.progress(5);
    endMs = machineMs();
    await stage.clients.stop();
    // A connection that was cut for a short while may have been found dead only since.
    await stage.cluster.settled({ timeoutMs: REJOIN_MS });
    contents = await contentsOfAll(stage);
  } catch (error) {
    problems.push((error as Error).stack ?? String(error));
  }
  return {
    ...judge(scenario, stage, { problems, contents, startedMs, endMs: endMs ?? machineMs(), neededPerson }),
    nodes,
    rejoinMs,
    tookMs: machineMs() - startedMs,
  };
}

interface Course {
  readonly problems: string[];
  readonly contents: readonly NodeContents[];
  readonly startedMs: number;
  readonly endMs: number;
  readonly neededPerson: boolean;
}

function judge(
  scenario: Scenario,
  stage: Stage,
  course: Course,
): Omit<Outcome, 'nodes' | 'rejoinMs' | 'tookMs'> {
  const { problems, contents, startedMs, endMs, neededPerson } = course;
  const histories = stage.clients.histories();
  const records = histories.flatMap((history) => history.records);
  const lost = lostCommits(histories, contents);
  const twice = acknowledgedByTwo(histories);
  const rolledBack = contents.length === 0 ? [] : rolledBackReads(histories, contents);
  const apart = differences(contents);
  const openMs = bothOpenMs(histories);
  const gapMs = writeGapMs(stage.clients.writerHistory(), stage.firstFaultMs() ?? startedMs, endMs);
  problems.push(...[lost, twice, rolledBack, apart].flatMap(abridged));
  if (openMs > (scenario.bothOpenMs ?? BOTH_OPEN_MS))
    problems.push(`two servers said they were open for ${Math.round(openMs)} ms`);
  if (scenario.budget !== undefined && gapMs > GAP_MS)
    problems.push(`no write was acknowledged for ${Math.round(gapMs)} ms`);
  return {
    title: scenario.title,
    problems,
    acknowledged: records.filter(({ kind }) => kind === 'acknowledged').length,
    unknown: records.filter(({ kind }) => kind === 'unknown').length,
    lost: lost.length,
    acknowledgedByTwo: twice.length,
    rolledBackReads: rolledBack.length,
    bothOpenMs: openMs,
    writeGapMs: gapMs,
    budgetMs: scenario.budget?.ms ?? null,
    neededPerson,
  };
}

function reignOf({ reign, reignOnEtcd = reign }: Scenario, { store }: Stage): Scenario['reign'] {
  return store === 'etcd' ? reignOnEtcd : reign;
}

function changeOfReign(reign: Scenario['reign'], before: number, after: number): readonly string[] {
  if (reign === 'changes' && after === before) return [`the baton did not change hands: term ${after}`];
  if (reign === 'stays' && after !== before)
    return [`the baton changed hands: term ${before}, then ${after}`];
  return [];
}

/** A commit that is lost is seldom alone. */
function abridged(findings: readonly string[]): readonly string[] {
  const shown = findings.slice(0, 5);
  return findings.length > shown.length ? [...shown, `and ${findings.length - shown.length} more`] : shown;
}

/** The tables of all members, once the standbys have replayed all that the primary has. */
async function contentsOfAll({ cluster }: Stage): Promise<readonly NodeContents[]> {
  const primary = await cluster.primary();
  const [row] = await primary.sql<{ lsn: string }>('select pg_current_wal_flush_lsn() as lsn');
  const standbys = await cluster.standbys();
  for (const standby of standbys) await replayed(standby, row?.lsn ?? '0/0');
  return Promise.all(
    [primary, ...standbys].map(async (node) => {
      const [tables] = await node.sql<Tables & Record<string, unknown>>(READ_TABLES);
      if (tables === undefined) throw new Error(`${node.name} has no tables`);
      return { node: node.name, tables };
    }),
  );
}

async function replayed(standby: ClusterNode, lsn: string): Promise<void> {
  const what = `${standby.name} to replay up to ${lsn}`;
  await waitFor(what, startCountdown({ timeoutMs: REPLAY_MS }), 20, async () => {
    const question = `select pg_last_wal_replay_lsn() >= '${lsn}' as done`;
    const [row] = await standby.sql<{ done: boolean }>(question);
    return row?.done === true ? true : undefined;
  });
}
