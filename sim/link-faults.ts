import { duration, during, pickNode, serverOf, type Fault } from './fault-tools.ts';
import { forgetConnection } from './replication.ts';

/** What happens to connections and messages while nothing is cut. */
export const LINK_FAULTS = {
  /** One end of a replication connection is gone, and the other does not know. */
  half_open_replication(group, random) {
    const server = serverOf(group, pickNode(group, random));
    const connection = server.receiver ?? [...server.senders][0];
    if (connection !== undefined)
      forgetConnection(group.world, connection, random.chance(0.5) ? 'standby' : 'upstream');
  },
  /** The streams of records are gone, and the keepers go on waiting on their ends. */
  half_open_watches(group) {
    group.home.dropWatches();
  },
  /** Some messages take so long that later ones overtake them. */
  reorder_messages(group, random) {
    group.world.network.disturb(random.between(0.05, 0.4), random.pick([20, 500, 4_000]));
    during(group, duration(random), () => group.world.network.disturb(0, 0));
  },
} satisfies Record<string, Fault>;
