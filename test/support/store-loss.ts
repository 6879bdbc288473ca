import assert from 'node:assert/strict';
import { chownSync, cpSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TestCluster } from './test-cluster.ts';
import { eventually } from './test-monitor.ts';

/** Waits until `show state` warns of that, and returns what it says; the keepers report within a second. */
export function refusal(cluster: TestCluster, expected: RegExp): Promise<string> {
  return eventually(`show state warns of ${expected}`, async () => {
    // On a node: its journal tells where the keepers are, when an etcd has lost that.
    const { stderr } = await cluster.pgbaton(['show', 'state', '--pgdata', cluster.node(1).pgdata]);
    return expected.test(stderr) ? stderr : undefined;
  });
}

/** `store recover` on the first node, once all of them have sent what they have; returns what it prints. */
export function recoverStore(cluster: TestCluster, ...args: readonly string[]): Promise<string> {
  const command = ['store', 'recover', '--pgdata', cluster.node(1).pgdata, ...args];
  return eventually('the nodes have reported', async () => {
    const { exitCode, stdout, stderr } = await cluster.pgbaton(command);
    if (exitCode === 4 && /has not reported|have not reported|no node/.test(stderr)) return undefined;
    assert.equal(exitCode, 0, stderr);
    return stdout;
  });
}

/** A copy of the monitor's store, taken while the monitor is down. */
export interface StoreCopy {
  /** Puts it in the place of the present one; the monitor is down for that. */
  putBack(): Promise<void>;
}

/** Stops the monitor for the copy. */
export async function copyStore({ monitor, directory }: TestCluster): Promise<StoreCopy> {
  const copy = join(directory, 'copy-of-store');
  const files = (): readonly string[] =>
    readdirSync(monitor.pgdata).filter((name) => name.startsWith('store.sqlite'));
  await monitor.kill();
  rmSync(copy, { recursive: true, force: true });
  for (const name of files()) cpSync(join(monitor.pgdata, name), join(copy, name));
  await monitor.start();
  return {
    async putBack() {
      await monitor.kill();
      for (const name of files()) rmSync(join(monitor.pgdata, name));
      cpSync(copy, monitor.pgdata, { recursive: true });
      const { uid, gid } = statSync(monitor.pgdata);
      for (const name of files()) chownSync(join(monitor.pgdata, name), uid, gid);
      await monitor.start();
    },
  };
}
