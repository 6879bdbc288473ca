const NOTHING = new Map<string, never>();

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
export function createSilenceWatch<Sign extends string | number = string>(
  now: () => number,
  maxGapMs: number = Infinity,
): (signs: ReadonlyMap<string, Sign>) => ReadonlyMap<string, number> {
  let known: ReadonlyMap<string, { readonly sign: Sign; readonly sinceMs: number }> = new Map();
  let lookedAtMs = now();

  return (signs) => {
    const nowMs = now();
    const hasLooked = nowMs - lookedAtMs <= maxGapMs;
    lookedAtMs = nowMs;
    if (signs.size === 0) return (known = NOTHING);
    const seen = new Map<string, { readonly sign: Sign; readonly sinceMs: number }>();
    const silences = new Map<string, number>();
    for (const [source, sign] of signs) {
      const before = known.get(source);
      const sinceMs = hasLooked && before?.sign === sign ? before.sinceMs : nowMs;
      seen.set(source, { sign, sinceMs });
      silences.set(source, nowMs - sinceMs);
    }
    known = seen;
    return silences;
  };
}
