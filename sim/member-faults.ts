import { cutBoth, duration, during, healBoth, pickNode, type Fault } from './fault-tools.ts';
import { MONITOR } from './virtual-network.ts';

/** What happens to keepers that decide and to nobody else: between them, and between one of them and the store. */
export const MEMBER_FAULTS = {
  /** It goes on with the others by what they tell it. */
  cut_from_store(group, random) {
    const node = pickNode(group, random);
    cutBoth(group, node, MONITOR);
    during(group, duration(random), () => healBoth(group, node, MONITOR));
  },
  /** What it asks for is done, and it hears of nothing. */
  cut_answers_of_store(group, random) {
    const node = pickNode(group, random);
    group.world.network.cut(MONITOR, node);
    during(group, duration(random), () => group.world.network.heal(MONITOR, node));
  },
  /** Each decides by what it sees of itself, and the store takes it. */
  cut_all_peers(group, random) {
    const nodes = [...group.nodes];
    const pairs = nodes.flatMap((a) => nodes.filter((b) => a < b).map((b) => [a, b] as const));
    for (const [a, b] of pairs) cutBoth(group, a, b);
    during(group, duration(random), () => {
      for (const [a, b] of pairs) healBoth(group, a, b);
    });
  },
} satisfies Record<string, Fault>;
