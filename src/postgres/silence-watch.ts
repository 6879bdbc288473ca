/**
 * Measures silence by the signs of life that looks at a server find: the time,
 * by this machine's monotonic clock, for which the sign of a source has been
 * the same. What a sign means does not matter, nor whose clock has made it: it
 * only has to change with every message. Returns the silence of each source,
 * ms; less than the true one by up to the time between two looks.
 *
 * Looks that are more than `maxGapMs` apart prove nothing: a machine that stood
 * still has heard nobody, and a keeper that did has not looked.
 */
export function createSilenceWatch(
  now: () => number,
  maxGapMs: number = Infinity,
): (signs: ReadonlyMap<string, string>) => ReadonlyMap<string, number> {
  let known: ReadonlyMap<string, { readonly sign: string; readonly sinceMs: number }> = new Map();
  let lookedAtMs = now();

  return (signs) => {
    const nowMs = now();
    const hasLooked = nowMs - lookedAtMs <= maxGapMs;
    lookedAtMs = nowMs;
    const since = (source: string, sign: string): number => {
      const before = known.get(source);
      return hasLooked && before?.sign === sign ? before.sinceMs : nowMs;
    };
    known = new Map([...signs].map(([source, sign]) => [source, { sign, sinceMs: since(source, sign) }]));
    return new Map([...known].map(([source, { sinceMs }]) => [source, nowMs - sinceMs]));
  };
}
