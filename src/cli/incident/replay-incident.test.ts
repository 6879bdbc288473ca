import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aDecidedGroup, type DecidedGroup } from '../../../test/support/a-decided-group.ts';
import { exportIncident } from './export-incident.ts';
import { formatIncident, parseIncident, type Incident } from './incident-file.ts';
import { countOutcomes, replayIncident } from './replay-incident.ts';

const ADDRESS = { formation: 'default', group: 0 };

/** What arrives after a file has been written and read. */
async function exported(group: DecidedGroup, count = 1_000): Promise<Incident> {
  const incident = await exportIncident(group.client, ADDRESS, { count, now: new Date(0) });
  return parseIncident(formatIncident(incident), 'f');
}

/** The file with one entry changed. */
function tamper(incident: Incident, rule: string, change: (text: string) => string): Incident {
  const index = incident.entries.findIndex((entry) => entry.rule === rule);
  assert.ok(index >= 0);
  const lines = formatIncident(incident).split('\n');
  const line = lines[index + 1] ?? '';
  assert.notEqual(change(line), line);
  lines[index + 1] = change(line);
  return parseIncident(lines.join('\n'), 'f');
}

test('a failover and all around it replays without a difference and without a gap', async () => {
  const group = await aDecidedGroup();
  await group.form();
  await group.failOver();
  await group.setPriority(7);
  const incident = await exported(group);
  const { same, different, gap, request } = countOutcomes(replayIncident(incident));
  assert.deepEqual({ different, gap, request }, { different: 0, gap: 0, request: 3 });
  const rules = incident.entries.flatMap(({ rule }) => rule ?? []);
  assert.equal(rules.length, same);
  for (const rule of [
    'form_group',
    'change_rule',
    'confirm_rule',
    'fail_over',
    'begin_reign',
    'confirm_reign',
  ])
    assert.ok(rules.includes(rule as never), `${rule} in ${rules.join(', ')}`);
});

test('the last result of a history is the record of the group', async () => {
  const group = await aDecidedGroup();
  await group.form();
  await group.failOver();
  const { entries } = await exported(group);
  assert.deepEqual(
    entries.findLast(({ record }) => record !== undefined)?.record,
    group.decider().current().record,
  );
});

test('only the first change of a monitor keeps the record that it read', async () => {
  const group = await aDecidedGroup();
  await group.form();
  await group.restart();
  await group.setPriority(7);
  await group.setPriority(8);
  const { entries } = await exported(group);
  const read = entries.flatMap((entry) => entry.read ?? []).map((each) => typeof each);
  assert.equal(read[0], 'object');
  assert.deepEqual(read.slice(-2), ['object', 'string']);
  assert.equal(read.filter((each) => each === 'object').length, 2);
});

test('a record that somebody else has changed leaves no gap', async () => {
  const group = await aDecidedGroup();
  await group.form();
  await group.changeBehindItsBack();
  await group.failOver();
  const counts = countOutcomes(replayIncident(await exported(group)));
  assert.deepEqual([counts.different, counts.gap], [0, 0]);
});

test('a history that begins in the middle has one marked gap, and what follows is replayed', async () => {
  const group = await aDecidedGroup();
  await group.form();
  await group.failOver();
  const whole = await exported(group);
  const { store } = group;
  for (let keep = whole.entries.length - 1; keep > 2; keep--) {
    await store.trimNotes({ olderThanMs: 0, keep }, { timeoutMs: 1_000 });
    const incident = await exported(group);
    const changes = replayIncident(incident).filter(({ outcome }) => outcome.kind !== 'none');
    const [first, ...others] = changes.map(({ outcome }) => outcome.kind);
    if (first === undefined) continue;
    assert.equal(first, 'gap');
    assert.ok(others.every((kind) => kind === 'same' || kind === 'request'));
    assert.equal(incident.entries.find(({ read }) => read !== undefined)?.read, 'unknown');
  }
});

test('a page of the history after the other is asked for, and each event comes once', async () => {
  const group = await aDecidedGroup();
  await group.form();
  for (let priority = 0; priority < 90; priority++) await group.setPriority(priority);
  const { entries } = await exported(group);
  assert.ok(entries.length > 100);
  assert.equal(new Set(entries.map(({ id }) => id)).size, entries.length);
  assert.equal(countOutcomes(replayIncident(await exported(group, 70))).gap, 1);
  assert.equal((await exported(group, 70)).entries.length, 70);
});

test('a rule, a reason, a record or evidence that was changed is found', async () => {
  const group = await aDecidedGroup();
  await group.form();
  await group.failOver();
  const incident = await exported(group);
  const differences = (changed: Incident) =>
    replayIncident(changed).flatMap(({ entry, outcome }) =>
      outcome.kind === 'different' ? [{ rule: entry.rule, because: outcome.because }] : [],
    );
  const renamed = tamper(incident, 'fail_over', (line) =>
    line.replace('"rule":"fail_over"', '"rule":"renew_term"'),
  );
  assert.deepEqual(differences(renamed), [{ rule: 'renew_term', because: 'another rule' }]);
  const reworded = tamper(incident, 'confirm_reign', (line) => line.replace('serves clients', 'sleeps'));
  assert.deepEqual(differences(reworded), [{ rule: 'confirm_reign', because: 'another reason' }]);
  const healed = tamper(incident, 'fail_over', (line) =>
    line.replace('"status":"crashed"', '"status":"running"'),
  );
  assert.equal(differences(healed)[0]?.rule, 'fail_over');
  const remade = tamper(incident, 'begin_reign', (line) => line.replace('"holder":2', '"holder":1'));
  assert.deepEqual(differences(remade)[0], { rule: 'begin_reign', because: 'another record' });
});

test('a decision of a version that kept no records is a gap, and so is what was made of its result', async () => {
  const group = await aDecidedGroup();
  await group.form();
  const incident = await exported(group);
  const index = incident.entries.findIndex(({ rule }) => rule === 'learn_promotion');
  const entries = incident.entries.map((entry, at) => {
    if (at !== index) return entry;
    const { record: _record, read: _read, ...old } = entry;
    return old;
  });
  const kinds = replayIncident({ ...incident, entries }).map(({ outcome }) => outcome.kind);
  assert.equal(kinds.filter((kind) => kind === 'gap').length, 2);
});
