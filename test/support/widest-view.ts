import { setTimeout as sleep } from 'node:timers/promises';
import { createMonitorClient, type MonitorClient } from '../../src/api/client.ts';
import type { GroupBody } from '../../src/api/schemas.ts';

/** Where a keeper listens. */
export interface Whereabouts {
  readonly host: string;
  readonly port: number;
}

const ASK = { timeoutMs: 2_000 };
/** How long the others are waited for when one has answered: some may be gone. */
const OTHERS_MS = 150;

/**
 * A client whose view of the group is that of the keeper that knows most. A
 * test watches from where no cut reaches, and would else perhaps ask the very
 * keeper that a cut has left behind. `keepers` may grow.
 */
export function widestView(
  client: MonitorClient,
  keepers: readonly Whereabouts[],
  key: Buffer,
): MonitorClient {
  const clients = new Map<Whereabouts, MonitorClient>();

  function clientOf(keeper: Whereabouts): MonitorClient {
    const known = clients.get(keeper) ?? createMonitorClient({ ...keeper, sslmode: 'key', key });
    clients.set(keeper, known);
    return known;
  }

  /** Rejects when no keeper answers. */
  async function widest(
    address: Parameters<MonitorClient['getGroup']>[0],
  ): Promise<{ readonly keeper: MonitorClient; readonly group: GroupBody }> {
    const views: { readonly keeper: MonitorClient; readonly group: GroupBody }[] = [];
    const answers = keepers.map(async (keeper) => {
      const asked = clientOf(keeper);
      views.push({ keeper: asked, group: await asked.getGroup(address, ASK) });
    });
    await Promise.any(answers);
    await Promise.race([Promise.allSettled(answers), sleep(OTHERS_MS)]);
    const [most] = views.toSorted(
      (a, b) => b.group.record_version - a.group.record_version || heard(b.group) - heard(a.group),
    );
    if (most === undefined) throw new Error('no keeper answers');
    return most;
  }

  return {
    ...client,
    getGroup: async (address) => (await widest(address)).group,
    getEvidence: async (address) => (await widest(address)).keeper.getEvidence(address, ASK),
    close() {
      for (const each of clients.values()) each.close();
      client.close();
    },
  };
}

/** How many nodes are not missed. */
function heard({ nodes }: GroupBody): number {
  return nodes.filter(({ connection }) => !connection.includes('!')).length;
}
