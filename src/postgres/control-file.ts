import { lsnFromBytes } from '../core/lsn.ts';
import type { ControlData, ControlState } from './control-data.ts';

/** PostgreSQL counts the layouts of pg_control: this is the one of versions 13 to 16. */
const LAYOUT = 1300;

/** Where the fields lie in it (src/include/catalog/pg_control.h), bytes. */
const AT = {
  systemIdentifier: 0,
  layout: 8,
  state: 16,
  checkpointLsn: 32,
  checkpointTimeline: 48,
  minimumRecoveryEnd: 136,
  minimumRecoveryTimeline: 144,
  walLogHints: 176,
  walBlockBytes: 224,
  walSegmentBytes: 228,
  checksumVersion: 252,
  crc: 288,
} as const;

const STATES: readonly ControlState[] = [
  'starting_up',
  'shut_down',
  'shut_down_in_recovery',
  'shutting_down',
  'in_crash_recovery',
  'in_archive_recovery',
  'in_production',
];

/**
 * Reads pg_control itself: to start pg_controldata for it takes processor time
 * that a failover has not got. undefined where the layout is another one, or the
 * checksum does not fit (it was read while it was written): the caller asks
 * pg_controldata then.
 */
export function parseControlFile(file: Buffer): ControlData | undefined {
  // The number alone would do, but only the checksum proves that every byte is where it is believed to be.
  if (file.length < AT.crc + 4 || file.readUInt32LE(AT.layout) !== LAYOUT) return undefined;
  if (crc32c(file.subarray(0, AT.crc)) !== file.readUInt32LE(AT.crc)) return undefined;
  const state = STATES[file.readUInt32LE(AT.state)];
  if (state === undefined) return undefined;
  return {
    systemIdentifier: String(file.readBigUInt64LE(AT.systemIdentifier)),
    state,
    checkpointLsn: lsnFromBytes(file.readBigUInt64LE(AT.checkpointLsn)),
    checkpointTimeline: file.readUInt32LE(AT.checkpointTimeline),
    minimumRecoveryEnd: lsnFromBytes(file.readBigUInt64LE(AT.minimumRecoveryEnd)),
    minimumRecoveryTimeline: file.readUInt32LE(AT.minimumRecoveryTimeline),
    walSegmentBytes: file.readUInt32LE(AT.walSegmentBytes),
    walBlockBytes: file.readUInt32LE(AT.walBlockBytes),
    hasChecksums: file.readUInt32LE(AT.checksumVersion) !== 0,
    hasWalLogHints: file.readUInt8(AT.walLogHints) !== 0,
  };
}

/** CRC-32C (Castagnoli), as PostgreSQL computes it; zlib has only the other CRC-32. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
