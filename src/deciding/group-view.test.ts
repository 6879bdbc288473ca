import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, TERM } from '../../test/support/a-group.ts';
import { aReport } from '../../test/support/a-report.ts';
import type { Report } from '../core/evidence.ts';
import { viewNodes } from './group-view.ts';

const RECORD = aGroup().withPrimary('a').withStandby('b').record();
const PRIMARY = aReport(1, { promotedTerm: TERM, servingTerm: TERM }, { role: 'primary' });

function rows(reports: readonly Report[], ageMs = 0) {
  const reportOf = (node: number) => reports.find((report) => report.node === node);
  return viewNodes(RECORD, { reportOf, reportAgeMs: (node) => (reportOf(node) ? ageMs : undefined) });
}

test('a serving primary is read-write, a standby read-only, a stopped server none', () => {
  const connections = (report: Report) => rows([PRIMARY, report]).map(({ connection }) => connection);
  assert.deepEqual(connections(aReport(2)), ['read-write', 'read-only']);
  assert.deepEqual(connections(aReport(2, {}, { status: 'crashed', role: null })), ['read-write', 'none']);
});

test('a primary that does not serve in the present term is closed to clients', () => {
  for (const servingTerm of [null, TERM - 1]) {
    assert.equal(rows([{ ...PRIMARY, servingTerm }])[0]?.connection, 'none');
  }
});

test('a silent keeper is marked, and one that never reported is not known', () => {
  const [silent, unknown] = rows([PRIMARY], RECORD.settings.detectionMs);
  assert.equal(silent?.connection, 'read-write!');
  assert.equal(silent?.health, 'bad');
  assert.equal(unknown?.connection, 'none!');
  assert.equal(unknown?.health, 'unknown');
  assert.equal(unknown?.report_age_ms, null);
  assert.equal(unknown?.lag_bytes, null);
});

test('the lag is what lies between the primary and the node, in bytes', () => {
  const behind = aReport(2, {}, { position: { timeline: 1, lsn: '0/4FFFF00' } });
  assert.equal(rows([PRIMARY, behind])[1]?.lag_bytes, 256);
});
