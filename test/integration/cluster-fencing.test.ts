import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { acceptsWrites } from '../support/cluster-clients.ts';
import type { ClusterNode } from '../support/cluster-node.ts';
import { promoteByHand, startByHand } from '../support/pg-ctl.ts';
import { sharedCluster } from '../support/test-cluster.ts';
import { eventually } from '../support/test-monitor.ts';

/** What stands in the way of a commit that nobody else has. */
async function standbyNames(node: ClusterNode): Promise<string> {
  const [row] = await node.sql<{ names: string }>(
    `select current_setting('synchronous_standby_names') as names`,
  );
  return row?.names ?? '';
}

async function isPrimary(node: ClusterNode): Promise<boolean> {
  const [row] = await node.sql<{ standby: boolean }>('select pg_is_in_recovery() as standby');
  return row?.standby === false;
}

/** Nobody has to acknowledge; and: anybody may, whichever term they belong to. */
const OVERRIDES = [
  { role: 'primary', value: '' },
  { role: 'primary', value: '*' },
  { role: 'standby', value: '' },
  { role: 'standby', value: '*' },
] as const;

describe('somebody goes behind the back of the group', () => {
  const cluster = sharedCluster();
  before(async () => {
    // The budget on failovers for crashes has a test of its own.
    await cluster().client.updateSettings('default', { crash_failovers: 100 });
  });

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

  test('a primary that is promoted by hand after its end acknowledges nothing, with no keeper beside it', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [old, term] = [await cluster().primary(), await cluster().term()];
    await Promise.all([old.killKeeper(), old.killAllOfPostgres()]);
    await cluster().newPrimary(term);
    await startByHand(old);
    await promoteByHand(old);
    await eventually('the end of its recovery', () => isPrimary(old));
    await clients.progress(200);
    old.startKeeper();
    await cluster().settled({ nodes: 3, afterTerm: term });
    await cluster().assertWhole(clients);
  });

  test('a standby that is promoted by hand acknowledges nothing, and is brought back', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [standby, term] = [await cluster().standby(), await cluster().term()];
    const postmaster = standby.postmasterPid();
    await promoteByHand(standby);
    await eventually('its end', () => standby.postmaster()?.pid !== postmaster);
    await clients.progress();
    await cluster().settled({ nodes: 3 });
    assert.equal(await cluster().term(), term, 'the primary was none of its business');
    await cluster().assertWhole(clients);
  });

  test('a standby that is promoted by hand while its keeper is away acknowledges nothing either', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [standby, term] = [await cluster().standby(), await cluster().term()];
    await standby.killKeeper();
    await promoteByHand(standby);
    await eventually('the end of its recovery', () => isPrimary(standby));
    await clients.progress(200);
    standby.startKeeper();
    await cluster().settled({ nodes: 3 });
    assert.equal(await cluster().term(), term);
    await cluster().assertWhole(clients);
  });

  for (const { role, value } of OVERRIDES) {
    test(`ALTER SYSTEM SET synchronous_standby_names = '${value}' on the ${role} is undone`, async () => {
      const clients = await cluster().startClients();
      await clients.progress();
      const node = await cluster()[role]();
      const names = await standbyNames(node);
      await node.sql(`alter system set synchronous_standby_names = '${value}'`);
      await node.sql('select pg_reload_conf()');
      await eventually('the names to be back', async () => {
        const text = readFileSync(join(node.pgdata, 'postgresql.auto.conf'), 'utf8');
        return !text.includes('synchronous_standby_names') && (await standbyNames(node)) === names;
      });
      await cluster().assertWhole(clients);
    });
  }
});
