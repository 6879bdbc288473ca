import { beStubborn, isInRecovery, type StubbornOptions } from './stubborn-client.ts';

/** Asks one server for ever, whatever role that has, and remembers when it answered as a primary. */
export interface StubbornReader {
  /** Of the answers as a primary, monotonic ms; infinity: there was none. */
  firstMs(): number;
  /** Minus infinity: there was none. */
  lastMs(): number;
  stop(): Promise<void>;
}

/** The client that strict reads are for: it stays with its server, and trusts what that says. */
export function startStubbornReader(options: StubbornOptions): StubbornReader {
  let [firstMs, lastMs] = [Infinity, -Infinity];
  const { stop } = beStubborn(options, async (client) => {
    if (await isInRecovery(client)) return;
    lastMs = performance.now();
    firstMs = Math.min(firstMs, lastMs);
  });
  return { firstMs: () => firstMs, lastMs: () => lastMs, stop };
}
