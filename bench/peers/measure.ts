import type { ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Host } from '../../test/support/hosts/host.ts';
import { sleep } from '../../src/system/clock.ts';
import {
  clockMs,
  longestGapS,
  readAcknowledgements,
  splitBrainAcks,
  type Acknowledgement,
} from './acknowledgements.ts';
import type { Measurement } from './results.ts';
import type { Scenario } from './scenarios.ts';
import { ask, wholeCluster } from './servers.ts';
import { becomes, until, type Stage } from './stage.ts';
import type { Cluster, DataNode } from './system.ts';

const WRITER = resolve(import.meta.dirname, 'writer.ts');
const PAUSE_MS = { client: 3, probe: 20 };
/** The longest that anybody is given, s. */
const LIMIT_S = { begin: 150, serve: 180, heal: 60 };

/** A cluster with its client, ready for one scenario after the other. */
export interface Bench {
  /** Rejects when the cluster does not even get whole before the scenario begins. */
  measure(scenario: Scenario): Promise<Omit<Measurement, 'system'>>;
  /** What a person would do after a scenario that has not healed. Rejects when that is to begin anew. */
  repair(): Promise<void>;
}

export async function openBench(stage: Stage, cluster: Cluster): Promise<Bench> {
  const first = await wholeCluster(cluster.nodes);
  if (first === undefined) throw new Error('the cluster is not whole');
  await ask(first.primary, 'create table bench_rows (writer text, id bigint, primary key (writer, id))');
  const client = stage.addHost('client');
  startWriter(stage, client, 'client', cluster.nodes);
  return {
    measure: (scenario) => measure(stage, cluster, client, scenario),
    repair: () => repair(cluster, lastServed(stage, cluster, client)),
  };
}

async function measure(
  stage: Stage,
  cluster: Cluster,
  clientHost: Host,
  scenario: Scenario,
): Promise<Omit<Measurement, 'system'>> {
  const { network } = stage;
  const isWhole = (): Promise<boolean> => isWholeAndContent(cluster);
  await until('the cluster is whole', LIMIT_S.begin, isWhole);
  const before = await wholeCluster(cluster.nodes);
  if (before === undefined) throw new Error('the cluster did not stay whole');
  const old = serverOf(before.primary);
  let probe = startWriter(stage, before.primary.host, 'probe', [before.primary]);
  // The faults should not meet everybody's periods at the same point each time.
  await sleep(1_500 + Math.random() * 2_000);
  const fromMs = clockMs();
  const acks = (): readonly Acknowledgement[] => [
    ...readAcknowledgements(ackFile(stage, clientHost), 'client', fromMs),
    ...readAcknowledgements(ackFile(stage, before.primary.host), 'probe', fromMs),
  ];
  const clientServed = (condition: (ack: Acknowledgement) => boolean): Promise<boolean> =>
    becomes(LIMIT_S.serve, async () =>
      readAcknowledgements(ackFile(stage, clientHost), 'client', fromMs).some(condition),
    );

  let failure: string | undefined;
  await scenario.happen({
    network,
    cluster,
    ...before,
    successorServes: () => clientServed(({ server }) => server !== old),
    async boot(node) {
      await cluster.boot(node.host);
      if (node === before.primary) probe = startWriter(stage, node.host, 'probe', [node]);
    },
    fail: (why) => (failure = why),
  });
  const happenedMs = clockMs();
  if (!(await clientServed(({ atMs }) => atMs > happenedMs + 1_000)))
    failure ??= `no writes within ${LIMIT_S.serve} s`;
  const healed = await becomes(LIMIT_S.heal, isWhole);
  const toMs = clockMs();
  probe.kill('SIGKILL');
  const all = acks().filter(({ atMs }) => atMs < toMs);
  const after = lastServed(stage, cluster, clientHost);
  return {
    scenario: scenario.name,
    write_gap_s: longestGapS(
      all.filter(({ writer }) => writer === 'client'),
      fromMs,
      toMs,
    ),
    ...(failure === undefined ? {} : { failure }),
    lost: await countLost(after, all),
    split_brain_acks: splitBrainAcks(all, old, serverOf(after)),
    healed,
  };
}

/** Who counts as the primary, where there may be two: the one that has served the client last. */
function lastServed(stage: Stage, cluster: Cluster, client: Host): DataNode {
  const server = readAcknowledgements(ackFile(stage, client), 'client', 0).at(-1)?.server;
  const found = cluster.nodes.find((node) => serverOf(node) === server);
  if (found === undefined) throw new Error('the client was never served');
  return found;
}

async function isWholeAndContent(cluster: Cluster): Promise<boolean> {
  try {
    return (await wholeCluster(cluster.nodes)) !== undefined && (await cluster.isContent());
  } catch {
    // Whoever is asked may be the one that is gone.
    return false;
  }
}

async function repair(cluster: Cluster, primary: DataNode): Promise<void> {
  if (cluster.repair === undefined) throw new Error('the cluster does not heal');
  const streams = await ask<{ address: string }>(
    primary,
    `select host(client_addr) as address from pg_stat_replication where state = 'streaming'`,
  );
  const missing = cluster.nodes.filter(
    (node) => node !== primary && !streams.some(({ address }) => address === node.host.address),
  );
  for (const node of missing) await cluster.repair(node, primary);
  await until('the cluster is whole after its repair', LIMIT_S.heal, () => isWholeAndContent(cluster));
}

async function countLost(primary: DataNode, acks: readonly Acknowledgement[]): Promise<number> {
  const first = Math.min(...acks.map(({ id }) => id));
  if (!Number.isFinite(first)) return 0;
  const rows = await ask<{ row: string }>(
    primary,
    `select writer || ' ' || id as row from bench_rows where id >= ${first}`,
  );
  const there = new Set(rows.map(({ row }) => row));
  return acks.filter(({ writer, id }) => !there.has(`${writer} ${id}`)).length;
}

function startWriter(
  stage: Stage,
  host: Host,
  name: keyof typeof PAUSE_MS,
  nodes: readonly DataNode[],
): ChildProcess {
  return stage.start(host, [
    process.execPath,
    WRITER,
    name,
    ackFile(stage, host),
    String(PAUSE_MS[name]),
    ...nodes.map(serverOf),
  ]);
}

function ackFile(stage: Stage, host: Host): string {
  return join(stage.folderOf(host), 'acknowledged');
}

function serverOf({ host, port }: DataNode): string {
  return `${host.address}:${port}`;
}
