import type { NodeId } from '../src/core/group-record.ts';
import { CLIENTS } from './virtual-network.ts';
import type { World } from './world.ts';

/** Clients that write and read through a list of hosts, as libpq does with target_session_attrs=read-write. */
export interface Clients {
  begin(): void;
  readonly acknowledged: number;
  readonly lastAcknowledgedMs: number;
  /** The longest time between two acknowledgements since the last call, ms. */
  takeLongestGapMs(): number;
}

const TIMEOUT_MS = 2_000;

export function createClients(
  world: World,
  nodes: readonly NodeId[],
  count: number,
  everyMs: number,
): Clients {
  const { clock, random, network } = world;
  let nextValue = 1;
  let acknowledged = 0;
  let lastAcknowledgedMs = 0;
  let longestGapMs = 0;

  /** Sessions that only read connect to any node. */
  function readSomewhere(): void {
    const server = world.servers.get(random.pick(nodes));
    if (server?.isReadableAsPrimary() === true && server.visible !== undefined)
      world.checkers.observed(server, server.visible);
  }

  function run(client: number, place: number): void {
    readSomewhere();
    const pause = (): void => clock.after(random.exponential(everyMs), () => run(client, place));
    const target = nodes.find((node) => {
      const server = world.servers.get(node);
      return network.canTalk(place, node) && server?.isWritable() === true;
    });
    const server = target === undefined ? undefined : world.servers.get(target);
    if (server === undefined || target === undefined) return pause();

    const value = (nextValue += 1);
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      pause();
    };
    network.send(place, target, () =>
      server.process.now(() => {
        if (!server.isWritable()) return end();
        server.write('commit', value, (record) => {
          if (record === undefined) return end();
          world.checkers.acknowledged(server, record);
          acknowledged += 1;
          longestGapMs = Math.max(longestGapMs, clock.nowMs - lastAcknowledgedMs);
          lastAcknowledgedMs = clock.nowMs;
          end();
        });
      }),
    );
    // Whatever became of the write, the client goes on; the commit itself is never cancelled.
    clock.after(TIMEOUT_MS, end);
  }

  return {
    begin() {
      // One on a machine of its own, the others beside a node: they still reach it when it is cut off.
      for (let client = 0; client < count; client++) run(client, client === 0 ? CLIENTS : random.pick(nodes));
    },
    get acknowledged() {
      return acknowledged;
    },
    get lastAcknowledgedMs() {
      return lastAcknowledgedMs;
    },
    takeLongestGapMs() {
      const gap = longestGapMs;
      longestGapMs = 0;
      return gap;
    },
  };
}
