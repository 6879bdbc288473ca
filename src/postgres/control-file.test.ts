import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c, parseControlFile } from './control-file.ts';

/** A pg_control of 8 kB with the fields of a primary that was shut down. */
function aControlFile(): Buffer {
  const file = Buffer.alloc(8_192);
  file.writeBigUInt64LE(7_710_260_463_550_358_443n, 0);
  file.writeUInt32LE(1_300, 8);
  file.writeUInt32LE(1, 16);
  file.writeBigUInt64LE(0x1_0175_e4d8n, 32);
  file.writeUInt32LE(3, 48);
  file.writeUInt8(1, 176);
  file.writeUInt32LE(8_192, 224);
  file.writeUInt32LE(16_777_216, 228);
  return sealed(file);
}

function sealed(file: Buffer): Buffer {
  file.writeUInt32LE(crc32c(file.subarray(0, 288)), 288);
  return file;
}

test('the fields of pg_control are read where PostgreSQL 13 to 16 put them', () => {
  assert.deepEqual(parseControlFile(aControlFile()), {
    systemIdentifier: '7710260463550358443',
    state: 'shut_down',
    checkpointLsn: '1/175E4D8',
    checkpointTimeline: 3,
    minimumRecoveryEnd: '0/0',
    minimumRecoveryTimeline: 0,
    walSegmentBytes: 16_777_216,
    walBlockBytes: 8_192,
    hasChecksums: false,
    hasWalLogHints: true,
  });
});

test('a file that is only half written is not believed', () => {
  const file = aControlFile();
  file.writeUInt32LE(6, 16);
  assert.equal(parseControlFile(file), undefined);
});

test('a layout of another version, an unknown state or a short file is left to pg_controldata', () => {
  const other = aControlFile();
  other.writeUInt32LE(1_700, 8);
  assert.equal(parseControlFile(sealed(other)), undefined);
  const asleep = aControlFile();
  asleep.writeUInt32LE(99, 16);
  assert.equal(parseControlFile(sealed(asleep)), undefined);
  assert.equal(parseControlFile(aControlFile().subarray(0, 200)), undefined);
});

test('the checksum is CRC-32C', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
});
