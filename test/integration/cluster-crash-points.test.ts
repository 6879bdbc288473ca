import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { INNER_CRASH_POINTS, type CrashPoint } from '../../src/keeper/crash-point.ts';
import type { Action } from '../../src/core/action.ts';
import type { ClusterClients } from '../support/cluster-clients.ts';
import type { ClusterNode } from '../support/cluster-node.ts';
import { killWithUnacknowledgedRows } from '../support/kill-with-unacknowledged-rows.ts';
import { sharedCluster, type TestCluster } from '../support/test-cluster.ts';

/** A way to bring a keeper to a step. */
interface Scene {
  /** Whose keeper is killed there. */
  actor(cluster: TestCluster): Promise<ClusterNode>;
  /** While the keeper of the actor does not run. */
  prepare?(cluster: TestCluster, actor: ClusterNode): Promise<void>;
  /** When the keeper that will die runs. */
  trigger?(cluster: TestCluster, actor: ClusterNode): Promise<unknown>;
}

/** Steps that begin where the one before them ends: who dies there leaves the same behind. */
const FOLLOWS: readonly Action['kind'][] = ['hand_over', 'start_standby', 'open', 'write_marker', 'rewind'];

/** What each step needs before a keeper takes it. Steps of a first start have a file of their own. */
const STEPS = {
  checkpoint: 'hands over',
  hand_over: 'hands over',
  start_standby: 'hands over',
  pledge: 'takes over',
  promote: 'takes over',
  open: 'takes over',
  configure: 'comes back',
  maintain_slots: 'comes back',
  apply_rule: 'learns of another rule',
  start_primary: 'is restarted in place',
  write_marker: 'is restarted in place',
  stop: 'has rows that nobody acknowledged',
  rewind: 'has rows that nobody acknowledged',
  clone: 'has lost its data',
} as const satisfies Partial<Record<Action['kind'], string>>;

const SCENES: Readonly<Record<(typeof STEPS)[keyof typeof STEPS], Scene>> = {
  'hands over': {
    actor: (cluster) => cluster.primary(),
    trigger: (cluster) => cluster.run('perform', 'switchover', '--no-wait'),
  },
  'takes over': {
    actor: (cluster) => cluster.standby(),
    trigger: (cluster, { name }) => cluster.run('perform', 'switchover', '--name', name, '--no-wait'),
  },
  'comes back': { actor: (cluster) => cluster.primary() },
  'learns of another rule': {
    actor: (cluster) => cluster.primary(),
    async trigger(cluster) {
      const { name } = await cluster.standby();
      await cluster.client.updateNode('default', name, { replication_quorum: false });
      await cluster.client.updateNode('default', name, { replication_quorum: true });
    },
  },
  'is restarted in place': {
    actor: (cluster) => cluster.primary(),
    // Its control file names the timeline of the reign from then on; before, it would start as a standby.
    prepare: async (_cluster, actor) => void (await actor.sql('checkpoint')),
    async trigger(cluster, actor) {
      await cluster.client.updateSettings('default', { on_crash: 'restart' });
      await actor.killPostgres();
    },
  },
  'has rows that nobody acknowledged': {
    actor: (cluster) => cluster.primary(),
    async prepare(cluster, actor) {
      const term = await cluster.term();
      await killWithUnacknowledgedRows(actor);
      await cluster.newPrimary(term);
    },
  },
  'has lost its data': {
    actor: (cluster) => cluster.standby(),
    async prepare(_cluster, actor) {
      await actor.killAllOfPostgres();
      rmSync(actor.pgdata, { recursive: true });
    },
  },
};

describe('a keeper that is killed between two steps goes on where it was, and nothing is lost', () => {
  const cluster = sharedCluster();
  let clients: ClusterClients;
  before(async () => {
    await cluster().client.updateSettings('default', { crash_failovers: 100 });
    clients = await cluster().startClients();
  });
  after(() => clients.stop());

  for (const [kind, what] of Object.entries(STEPS) as [
    keyof typeof STEPS,
    (typeof STEPS)[keyof typeof STEPS],
  ][]) {
    for (const point of pointsOf(kind)) {
      test(`${point}: one that ${what}`, async () => {
        await dieAt(cluster(), point, SCENES[what]);
        await cluster().client.updateSettings('default', { on_crash: 'failover' });
        await clients.progress();
        await cluster().assertWhole(clients, { nodes: 3, keepClients: true });
      });
    }
  }
});

function pointsOf(kind: Action['kind']): readonly CrashPoint[] {
  const inner = INNER_CRASH_POINTS.filter((point) => point.startsWith(`inside ${kind}:`));
  const before: readonly CrashPoint[] = FOLLOWS.includes(kind) ? [] : [`before ${kind}`];
  return [...before, ...inner, `after ${kind}`];
}

/** Kills the keeper at the point, makes sure that it got there, and starts it again without. */
async function dieAt(cluster: TestCluster, point: CrashPoint, scene: Scene): Promise<void> {
  const actor = await scene.actor(cluster);
  await actor.killKeeper();
  await scene.prepare?.(cluster, actor);
  const env = { PGBATON_CRASH_AT: point };
  if (scene.trigger === undefined) actor.startKeeper(env);
  else {
    await cluster.startKeeper(actor, env);
    await cluster.settled({ nodes: 3 });
    await scene.trigger(cluster, actor);
  }
  try {
    // A rewind on its way there took 8 s while another file had the machine.
    assert.equal(await actor.keeper().end(60_000), 'SIGKILL', `the keeper never came to "${point}"`);
  } finally {
    await actor.killKeeper();
    await cluster.revive();
  }
}
