import { lsnToBytes, type Lsn } from '../core/lsn.ts';

/** The part of a segment that lies just before a position. */
export interface SegmentPart {
  readonly number: bigint;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** The name of a WAL segment's file. */
export function segmentName(timeline: number, number: bigint, segmentBytes: number): string {
  const perFile = 0x1_0000_0000n / BigInt(segmentBytes);
  return [BigInt(timeline), number / perFile, number % perFile].map(hex8).join('');
}

/** The number of the segment that holds the byte at a position. */
export function segmentNumber(lsn: Lsn, segmentBytes: number): bigint {
  return lsnToBytes(lsn) / BigInt(segmentBytes);
}

/** Timeline and number of a segment's file, a partial one included; undefined for other names. */
export function parseSegmentName(
  name: string,
  segmentBytes: number,
): { readonly timeline: number; readonly number: bigint } | undefined {
  const match = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?$/.exec(name);
  if (!match) return undefined;
  const [timeline = '', high = '', low = ''] = match.slice(1);
  const perFile = 0x1_0000_0000n / BigInt(segmentBytes);
  return {
    timeline: Number.parseInt(timeline, 16),
    number: BigInt(`0x${high}`) * perFile + BigInt(`0x${low}`),
  };
}

/** At most so many bytes that end at a position, without crossing into the segment before; none at the start of the log. */
export function partBefore(lsn: Lsn, maximumBytes: number, segmentBytes: number): SegmentPart {
  const end = lsnToBytes(lsn);
  const size = BigInt(segmentBytes);
  const number = end === 0n ? 0n : (end - 1n) / size;
  const endInSegment = Number(end - number * size);
  const lengthBytes = Math.min(maximumBytes, endInSegment);
  return { number, offsetBytes: endInSegment - lengthBytes, lengthBytes };
}

function hex8(value: bigint): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}
