import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aDecidedGroup } from '../../test/support/a-decided-group.ts';
import { aReport } from '../../test/support/a-report.ts';
import { originOf } from '../core/record-home.ts';
import { disableMaintenance } from '../core/requests.ts';
import { BatonError } from '../lib/baton-error.ts';
import { toEvent } from './group-events.ts';

const CALL = { timeoutMs: 1_000 };
const RECOVERY = {
  nodes: 2,
  missing: [],
  from: null,
  allowDataLoss: false,
  requestedBy: 'op@host',
  incarnation: 'recovered',
};

/** A group whose node 2 has a later version of the record than the store. */
async function restoredGroup() {
  const group = await aDecidedGroup();
  await group.form();
  const { record, version } = group.decider().current();
  const recordOrigin = originOf(record);
  const report = (node: number, recordVersion: number, sequence: number) =>
    aReport(node, { session: 99, sequence, recordVersion, recordOrigin });
  return { group, record, version, report };
}

test('a report of a later version stops decisions and requests, and is told in the history once', async () => {
  const { group, version, report } = await restoredGroup();
  const decider = group.decider();
  const { refused, wantsRecord } = await decider.takeReport(report(2, version + 9, 1));
  assert.match(refused ?? '', /"b" has version \d+ of the record.*restored from an old copy/);
  assert.equal(wantsRecord, true, 'the group is recovered from it');
  await decider.takeReport(report(2, version + 9, 2));
  await decider.takeReport(report(1, version, 1));
  assert.match(decider.refused() ?? '', /restored from an old copy/);
  await assert.rejects(
    decider.request({ ask: (record) => disableMaintenance(record, 1), dryRun: false }),
    (error) => error instanceof BatonError && error.code === 'BATON_STORE_OUTDATED',
  );
  const told = (await group.store.readNotes({ limit: 100 }, CALL))
    .map(toEvent)
    .filter(({ because }) => because.includes('restored from an old copy'));
  assert.equal(told.length, 1);
  assert.equal(decider.current().version, version, 'the record is left as it is');
});

test('the record of a node that knows better is swapped in, and then the group is decided for again', async () => {
  const { group, record, version, report } = await restoredGroup();
  const decider = group.decider();
  const newer = { ...record, settings: { ...record.settings, dbname: 'newer' } };
  await decider.takeReport(report(1, version, 1));
  await decider.takeReport(report(2, version + 9, 1), newer);
  let isPrepared = false;
  const how = { dryRun: true, before: () => Promise.resolve(void (isPrepared = true)) };
  await decider.recover(RECOVERY, how);
  assert.equal(decider.current().version, version, 'a dry run changes nothing');
  assert.equal(isPrepared, false);
  await decider.recover(RECOVERY, { ...how, dryRun: false });
  assert(isPrepared);
  assert.equal(decider.refused(), undefined);
  assert.equal(decider.current().record.settings.dbname, 'newer');
  assert.deepEqual(decider.current().record.home.incarnations.slice(1), ['recovered']);
  await decider.request({ ask: (now) => disableMaintenance(now, 1), dryRun: false });
});
