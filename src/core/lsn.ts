/**
 * A position in the write-ahead log in PostgreSQL's own notation, such as `16/B374D848`.
 * Kept as text because records and reports are JSON documents that people read.
 */
export type Lsn = string;

const PATTERN = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;

/** The start of the log. Less than or equal to every other position. */
export const LSN_ZERO: Lsn = '0/0';

export function isLsn(text: string): boolean {
  return PATTERN.test(text);
}

/** Bytes from the start of the log. Throws RangeError when the text is not an LSN. */
export function lsnToBytes(lsn: Lsn): bigint {
  const match = PATTERN.exec(lsn);
  if (!match) throw new RangeError(`"${lsn}" is not an LSN`);
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/** The inverse of {@link lsnToBytes}, in the form that PostgreSQL prints. */
export function lsnFromBytes(bytes: bigint): Lsn {
  const high = (bytes >> 32n).toString(16).toUpperCase();
  const low = (bytes & 0xffffffffn).toString(16).toUpperCase();
  return `${high}/${low}`;
}

/** Negative when `a` is before `b`, positive when it is behind, 0 when equal. */
export function compareLsn(a: Lsn, b: Lsn): number {
  return a === b ? 0 : Math.sign(difference(a, b));
}

export function maxLsn(a: Lsn, b: Lsn): Lsn {
  return compareLsn(a, b) >= 0 ? a : b;
}

/** How many bytes `behind` has still to receive to reach `ahead`; 0 when it is not behind. */
export function lagBytes(ahead: Lsn, behind: Lsn): number {
  return ahead === behind ? 0 : Math.max(0, difference(ahead, behind));
}

/** By halves, which fit a number exactly: BigInt would take ten times as long, and every report is compared. */
function difference(a: Lsn, b: Lsn): number {
  const [slashOfA, slashOfB] = [a.indexOf('/'), b.indexOf('/')];
  const high = hexadecimal(a, 0, slashOfA) - hexadecimal(b, 0, slashOfB);
  const low = hexadecimal(a, slashOfA + 1, a.length) - hexadecimal(b, slashOfB + 1, b.length);
  return high * 2 ** 32 + low;
}

function hexadecimal(lsn: Lsn, from: number, to: number): number {
  let value = to > from && to - from <= 8 ? 0 : NaN;
  for (let at = from; at < to; at++) {
    const code = lsn.charCodeAt(at);
    const isDigit = code >= 48 && code <= 57;
    const isLetter = (code | 32) >= 97 && (code | 32) <= 102;
    value = isDigit || isLetter ? value * 16 + (isDigit ? code - 48 : (code | 32) - 87) : NaN;
  }
  if (Number.isNaN(value)) throw new RangeError(`"${lsn}" is not an LSN`);
  return value;
}
