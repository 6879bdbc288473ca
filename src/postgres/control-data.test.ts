import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCleanlyStopped, parseControlData } from './control-data.ts';

const OUTPUT = `pg_control version number:            1300
Database system identifier:           7710260463550358443
Database cluster state:               shut down in recovery
Latest checkpoint location:           0/175E4D8
Latest checkpoint's TimeLineID:       3
Minimum recovery ending location:     0/175EC60
Min recovery ending loc's timeline:   3
wal_log_hints setting:                on
WAL block size:                       8192
Bytes per WAL segment:                16777216
Data page checksum version:           1
`;

test('the fields of pg_controldata that matter are read', () => {
  const control = parseControlData(OUTPUT);
  assert.deepEqual(control, {
    systemIdentifier: '7710260463550358443',
    state: 'shut_down_in_recovery',
    checkpointLsn: '0/175E4D8',
    checkpointTimeline: 3,
    minimumRecoveryEnd: '0/175EC60',
    minimumRecoveryTimeline: 3,
    walSegmentBytes: 16_777_216,
    walBlockBytes: 8_192,
    hasChecksums: true,
    hasWalLogHints: true,
  });
  assert.equal(isCleanlyStopped(control), true);
});

test('a server that was in production when its process ended has crashed', () => {
  const control = parseControlData(OUTPUT.replace('shut down in recovery', 'in production'));
  assert.equal(isCleanlyStopped(control), false);
});

test('output that makes no sense is refused by name', () => {
  assert.throws(() => parseControlData(OUTPUT.replace(/WAL block size.*\n/, '')), /WAL block size/);
  assert.throws(() => parseControlData(OUTPUT.replace('shut down in recovery', 'asleep')), /asleep/);
});
