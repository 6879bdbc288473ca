import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup } from '../../test/support/a-group.ts';
import { createRecordInbox, type RecordInbox, type VersionedRecord } from './record-inbox.ts';

const record = aGroup().withPrimary('a').record();
const written = (): Promise<void> => Promise.resolve();

function inboxAt(version: number): RecordInbox {
  return createRecordInbox({ node: 1, present: () => ({ version, record }), nowMs: () => 0 });
}

async function versionTaken(inbox: RecordInbox, keep: (waiting: VersionedRecord) => Promise<void> = written) {
  return (await inbox.take(keep))?.version;
}

test('a record is handed over once, and the newest only', async () => {
  const inbox = inboxAt(4);
  assert.equal(inbox.offer({ version: 5, record }), true);
  assert.equal(inbox.offer({ version: 6, record }), true);
  assert.equal(inbox.offer({ version: 5, record }), false, 'a later one waits');
  assert.equal(await versionTaken(inbox), 6);
  assert.equal(await versionTaken(inbox), undefined);
});

test('what is no later than what is acted on is not kept', () => {
  assert.equal(inboxAt(4).offer({ version: 4, record }), false);
});

test('a record that a full disk did not let be written is handed over when there is room', async () => {
  const inbox = inboxAt(4);
  inbox.offer({ version: 5, record });
  await assert.rejects(
    inbox.take(() => Promise.reject(new Error('no space left on device'))),
    /no space/,
  );
  assert.equal(await versionTaken(inbox), 5);
});

test('a record that comes in while an earlier one is written waits for its turn', async () => {
  const inbox = inboxAt(4);
  inbox.offer({ version: 5, record });
  const first = await versionTaken(inbox, () => {
    inbox.offer({ version: 6, record });
    return Promise.resolve();
  });
  assert.equal(first, 5);
  assert.equal(await versionTaken(inbox), 6);
});

test('a record that has not given out the number of this node says nothing to it', () => {
  assert.equal(inboxAt(4).offer({ version: 5, record: { ...record, nextNodeId: 1 } }), false);
});

test('a record that could not be written for a while is known to wait', async () => {
  let atMs = 0;
  const inbox = createRecordInbox({ node: 1, present: () => ({ version: 4, record }), nowMs: () => atMs });
  inbox.offer({ version: 5, record });
  assert.equal(inbox.waitingFor(500), undefined);
  atMs = 500;
  assert.equal(inbox.waitingFor(500), record);
  await inbox.take(written);
  assert.equal(inbox.waitingFor(500), undefined);
});
