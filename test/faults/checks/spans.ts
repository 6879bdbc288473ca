import type { ClientHistory } from './findings.ts';

/** Samples of a server that are further apart than this do not prove what it was in between, ms. */
const SAMPLES_APART_MS = 250;

interface Span {
  readonly from: number;
  readonly to: number;
}

/** The longest time between two acknowledgements of a writer from its last one before `sinceMs` until `untilMs`. */
export function writeGapMs(history: ClientHistory, sinceMs: number, untilMs: number): number {
  const times = history.records.filter(({ kind }) => kind === 'acknowledged').map(({ atMs }) => atMs);
  const before = times.filter((time) => time < sinceMs).at(-1) ?? sinceMs;
  const moments = [before, ...times.filter((time) => time >= sinceMs && time < untilMs), untilMs];
  return Math.max(...moments.slice(1).map((moment, index) => moment - (moments[index] ?? moment)));
}

/** For how long two servers or more said of themselves that they are open for writing, at the same time. */
export function bothOpenMs(histories: readonly ClientHistory[]): number {
  const spans = openSpans(histories);
  const overlaps = spans.flatMap((mine, index) =>
    spans
      .slice(index + 1)
      .flatMap((theirs) => mine.flatMap((a) => theirs.map((b) => overlapOf(a, b))))
      .filter(({ from, to }) => to > from),
  );
  return overlaps.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** For each server, the times in which it is proven to have been open: from the first answer to the last question. */
function openSpans(histories: readonly ClientHistory[]): readonly (readonly Span[])[] {
  const byServer = new Map<string, Span[]>();
  for (const { records } of histories) {
    for (const record of records) {
      if (record.kind !== 'open') continue;
      const spans = byServer.get(record.server) ?? [];
      byServer.set(record.server, spans);
      const last = spans.at(-1);
      if (last !== undefined && record.sentMs - last.to < SAMPLES_APART_MS)
        spans[spans.length - 1] = { from: last.from, to: record.sentMs };
      else spans.push({ from: record.atMs, to: record.atMs });
    }
  }
  return [...byServer.values()];
}

function overlapOf(a: Span, b: Span): Span {
  return { from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) };
}
