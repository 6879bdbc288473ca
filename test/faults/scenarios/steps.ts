import { sleep } from '../../../src/system/clock.ts';
import type { ClusterNode } from '../../support/cluster-node.ts';
import type { Stage } from '../stage.ts';

/** Waits until the monitor has given up to hear of a node. */
export function missed({ cluster }: Stage, node: ClusterNode): Promise<void> {
  return cluster.waitUntilNode(node, `${node.name} to be missed`, ({ connection }) =>
    connection.includes('!'),
  );
}

/** Lets a fault last: for the scenarios that are about a time. */
export function lasting(seconds: number): Promise<void> {
  return sleep(seconds * 1_000);
}
