import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup } from '../../../test/support/a-group.ts';
import { formatIncident, incidentHeader, parseIncident, type IncidentEntry } from './incident-file.ts';

const group = aGroup().withPrimary('a').withStandby('b');
const entry: IncidentEntry = {
  id: 5,
  at: '2026-11-20T12:00:00.000Z',
  kind: 'decision',
  rule: 'fail_over',
  because: 'a test',
  term: 3,
  record_version: 7,
  inputs: group.evidence(),
  read: group.record(),
  record: group.record(),
};
const header = incidentHeader({ pgbaton: '1', exported_at: 'now', formation: 'default', group: 0 });
const text = formatIncident({ header, entries: [entry] });

test('what is written is read again, with all that it holds', () => {
  assert.deepEqual(parseIncident(text, 'f'), { header, entries: [entry] });
});

test('evidence keeps what this version does not know', () => {
  const longer = text.replace('"deciderLagMs":0', '"deciderLagMs":0,"new":1');
  assert.deepEqual(parseIncident(longer, 'f').entries[0]?.inputs, { ...group.evidence(), new: 1 });
});

test('a file that is empty, cut off, damaged, of another kind or of another version is refused in words', () => {
  const lines = text.trimEnd().split('\n');
  const cases: readonly [string, RegExp][] = [
    ['', /is empty/],
    ['\n\n', /is empty/],
    ['hello\n', /is not an incident file/],
    ['{"format":"something"}\n', /is not an incident file/],
    [text.replace('"version":1', '"version":2'), /has format 2, this version knows 1/],
    [text.replace('"formation":"default","group":0', '"group":0'), /line 1 .* damaged: formation/],
    [lines.slice(0, 2).join('\n'), /is cut off/],
    [lines.slice(0, 1).join('\n'), /is cut off/],
    [text.slice(0, -30), /is cut off/],
    [[lines[0], lines[2]].join('\n'), /is damaged/],
    [[lines[0], lines[1], lines[1], '{"end":2}'].join('\n'), /line 3 .* damaged: its id/],
    [[lines[0], lines[1]?.slice(0, 50), lines[2]].join('\n'), /line 2 .* damaged: it is not JSON/],
    [text.replace('"deciderLagMs":0,', ''), /line 2 .* damaged: inputs must be the evidence/],
    [text.replace('"status":"running"', '"status":"wild"'), /line 2 .* damaged: inputs/],
    [text.replace('"schemaVersion":1', '"schemaVersion":2'), /line 2 .* damaged: read/],
    [text.replaceAll(/"rules":\[[^\]]*\][^\]]*\],/g, ''), /line 2 .* damaged/],
  ];
  for (const [damaged, message] of cases)
    assert.throws(
      () => parseIncident(damaged, 'f'),
      { code: 'BATON_INCIDENT_FILE', message },
      String(message),
    );
});
