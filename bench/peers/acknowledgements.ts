import { existsSync, readFileSync } from 'node:fs';

/** One row that a client was told is committed. */
export interface Acknowledgement {
  /** On the machine's monotonic clock, ms; the same for all of its processes. */
  readonly atMs: number;
  /** `host:port` of the server that said so. */
  readonly server: string;
  readonly writer: string;
  readonly id: number;
}

/** The clock that {@link Acknowledgement} speaks of. */
export function clockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What a writer has put into its file so far, from this time on. */
export function readAcknowledgements(
  file: string,
  writer: string,
  fromMs: number,
): readonly Acknowledgement[] {
  if (!existsSync(file)) return [];
  // The last line may be half written.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines
    .map((line) => line.split(' '))
    .map(([at, server = '', id]) => ({ atMs: Number(at), server, writer, id: Number(id) }))
    .filter(({ atMs }) => atMs >= fromMs);
}

/** The longest time without an acknowledgement between two moments, s. */
export function longestGapS(acks: readonly Acknowledgement[], fromMs: number, toMs: number): number {
  const times = [fromMs, ...acks.map(({ atMs }) => atMs).filter((at) => at > fromMs && at < toMs), toMs];
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  return Math.max(...gaps) / 1_000;
}

/** How many rows another server acknowledged after the one that stayed the primary had acknowledged its first. */
export function splitBrainAcks(acks: readonly Acknowledgement[], old: string, successor: string): number {
  if (old === successor) return 0;
  const began = Math.min(...acks.filter(({ server }) => server === successor).map(({ atMs }) => atMs));
  return acks.filter(({ server, atMs }) => server !== successor && atMs > began).length;
}
