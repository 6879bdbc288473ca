import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { acceptsWrites } from '../support/cluster-clients.ts';
import { startByHand } from '../support/pg-ctl.ts';
import { sharedCluster } from '../support/test-cluster.ts';

describe('somebody goes behind the back of the group', () => {
  const cluster = sharedCluster();

  test('an old primary that its machine starts beside the new one takes no writes, and comes back', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [old, term] = [await cluster().primary(), await cluster().term()];
    await Promise.all([old.killKeeper(), old.killAllOfPostgres()]);
    await cluster().newPrimary(term);
    await clients.progress();
    await startByHand(old);
    assert.equal(await acceptsWrites(old), false);
    await clients.progress();
    assert.equal(await acceptsWrites(old), false);
    old.startKeeper();
    await cluster().settled({ nodes: 3, afterTerm: term });
    await cluster().assertWhole(clients);
  });
});
