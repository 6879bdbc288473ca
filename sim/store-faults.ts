import { duration, during, type Fault } from './fault-tools.ts';

/** What a store like etcd, and a monitor that dies at the worst moment, do to decisions. */
export const STORE_FAULTS = {
  /** It restarts, or chooses a new leader: nothing is done and nothing is answered. */
  store_is_down(group, random) {
    group.home.store.isDown = true;
    during(group, duration(random), () => (group.home.store.isDown = false));
  },
  /** Swaps are done, or not, and nobody hears which. */
  store_loses_replies(group, random) {
    group.home.store.lostReplies = random.between(0.1, 0.7);
    during(group, duration(random), () => (group.home.store.lostReplies = 0));
  },
  /** Somebody else writes to the record too, and is faster now and then. */
  store_has_rivals(group, random) {
    group.home.store.rivals = random.between(0.1, 0.7);
    during(group, duration(random), () => (group.home.store.rivals = 0));
  },
  /** It dies before or behind a swap: what is in the store nobody has heard of. */
  monitor_crash_points(group, random) {
    const { world, home } = group;
    const chance = random.between(0.05, 0.5);
    home.diesHere = () => {
      if (!random.chance(chance)) return false;
      world.clock.after(random.between(20, 3_000), () => {
        if (!home.process.isAlive) home.begin();
      });
      return true;
    };
    during(group, duration(random), () => (home.diesHere = null));
  },
} satisfies Record<string, Fault>;
