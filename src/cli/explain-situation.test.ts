import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup } from '../../test/support/a-group.ts';
import { anEvent } from '../../test/support/a-node-view.ts';
import { NOON } from '../../test/support/a-cli-context.ts';
import { explainSituation } from './explain-situation.ts';
import { renderExplanation } from './render-explanation.ts';

const trio = () => aGroup().withPrimary('a').withStandby('b').withStandby('c');

test('the holder of the baton is named, with when and why it got it', () => {
  const group = trio();
  const at = new Date(NOON.getTime() - 12 * 60_000).toISOString();
  const events = [
    anEvent({ rule: 'begin_reign', term: 2, at: '2026-01-01T00:00:00.000Z' }),
    anEvent({ rule: 'begin_reign', at }),
  ];
  const explanation = explainSituation({ record: group.record(), evidence: group.evidence(), events });
  assert.equal(explanation.baton?.holder, 'a');
  assert.equal(explanation.baton?.since, at);
  assert.match(renderExplanation(explanation, NOON), /"a" holds the baton of term 3 since .*, 12 min ago\./);
});

test('the steps of the last change are told with what each was based on', () => {
  const group = trio();
  const inputs = group.evidence();
  const events = [
    anEvent({ rule: 'fail_over', because: 'PostgreSQL of "c" died', inputs }),
    anEvent({ kind: 'state', because: '"a" has reached primary' }),
    anEvent({ rule: 'begin_reign', because: '"a" has most', inputs }),
    anEvent({ rule: 'confirm_reign', because: 'acknowledged' }),
    anEvent({ rule: 'change_rule', because: 'something later' }),
  ];
  const { steps } = explainSituation({ record: group.record(), evidence: group.evidence(), events });
  assert.deepEqual(
    steps.map(({ rule }) => rule),
    ['fail_over', 'begin_reign', 'confirm_reign'],
  );
  assert.match(steps[0]?.inputs.join('\n') ?? '', /^"a": heard of .* before; primary; WAL up to 2: /m);
});

test('each node is told with what would stop it from being promoted', () => {
  const group = aGroup()
    .withPrimary('a')
    .withStandby('b', { entry: { candidatePriority: 0 } })
    .withStandby('c', { silentMs: 60_000 });
  const explanation = explainSituation({ record: group.record(), evidence: group.evidence(), events: [] });
  const text = renderExplanation(explanation, NOON);
  assert.match(text, /^ {2}a {2}is the primary$/m);
  assert.match(text, /^ {2}b {2}its candidate priority is 0$/m);
  assert.match(text, /^ {2}c {2}its keeper is silent$/m);
});

test('what is blocked comes with the command that helps', () => {
  const group = aGroup().withPrimary('a').withStandby('b', { silentMs: 60_000 });
  const explanation = explainSituation({ record: group.record(), evidence: group.evidence(), events: [] });
  assert.match(renderExplanation(explanation, NOON), /What is blocked\n.*silent: "b".*pgbaton/s);
});

test('a whole group is told as one that could lose its primary', () => {
  const group = trio();
  const explanation = explainSituation({ record: group.record(), evidence: group.evidence(), events: [] });
  assert.match(renderExplanation(explanation, NOON), /Nothing is blocked/);
});

test('a change that is under way is told', () => {
  const group = trio().withIntent({
    kind: 'handover',
    stage: 'drain',
    because: 'alice asked for a switchover',
  });
  const explanation = explainSituation({ record: group.record(), evidence: group.evidence(), events: [] });
  assert.match(explanation.under_way ?? '', /^handover to term 4, the old primary shuts down: alice/);
});

test('a history that does not go back so far is no obstacle', () => {
  const group = trio();
  const explanation = explainSituation({ record: group.record(), evidence: group.evidence(), events: [] });
  assert.equal(explanation.baton?.since, null);
  assert.match(renderExplanation(explanation, NOON), /for longer than the history goes back/);
});

test('the last change of primary is told with the time that each of its steps took', () => {
  const group = trio();
  const timeline = [
    { step: 'last_well' as const, node: 'c', after_ms: -112 },
    { step: 'decided' as const, node: 'c', after_ms: 0 },
    { step: 'opened' as const, node: 'a', after_ms: 1_234 },
  ];
  const events = [anEvent({ rule: 'confirm_reign', timeline })];
  const explanation = explainSituation({ record: group.record(), evidence: group.evidence(), events });
  assert.deepEqual(explanation.timeline, timeline);
  const text = renderExplanation(explanation, NOON);
  assert.match(text, /^ {4}-0\.112 s {2}"c" was last heard of as a primary that runs$/m);
  assert.match(text, /^ {4}\+1\.234 s {2}the first commit was acknowledged, "a" lets clients write$/m);
});
