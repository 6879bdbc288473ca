import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderJson, renderTable, toSeconds, type DemoResult } from './demo-result.ts';

const RESULT: DemoResult = {
  bringup_s: 5.2,
  failover: { write_gap_s: 0.213, acked: 1204, lost: 0 },
  switchover: { write_gap_s: 0.15, acked: 611, lost: 2 },
  rejoin_s: 12.34,
  nodes: 3,
  ok: false,
};

test('the result as JSON is one line with the keys that scripts read', () => {
  assert.equal(
    renderJson(RESULT),
    '{"bringup_s":5.2,"failover":{"write_gap_s":0.213,"acked":1204,"lost":0},' +
      '"switchover":{"write_gap_s":0.15,"acked":611,"lost":2},"rejoin_s":12.34,"nodes":3,"ok":false}\n',
  );
});

test('the table lines its figures up', () => {
  assert.equal(
    renderTable(RESULT),
    [
      '                       write gap   acknowledged   lost',
      '  ------------------   ---------   ------------   ----',
      '  failover (kill -9)     0.213 s          1,204      0',
      '  switchover             0.150 s            611      2',
      '',
      '  bring-up of a monitor and 3 nodes        5.200 s',
      '  killed primary is a standby again after  12.3 s',
      '',
    ].join('\n'),
  );
});

test('a result on etcd says so', () => {
  const result: DemoResult = { ...RESULT, store: 'etcd' };
  assert.match(renderJson(result), /"ok":false,"store":"etcd"}\n$/);
  assert.match(renderTable(result), /\n {2}bring-up of etcd and 3 nodes {13}5\.200 s\n/);
});

test('figures are given to the millisecond', () => {
  assert.equal(toSeconds(0.2134567), 0.213);
});
