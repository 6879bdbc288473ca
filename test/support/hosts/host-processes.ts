import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { isAlive, sendSignal } from '../../../src/system/process.ts';

/** What `ip netns` keeps for each namespace that has a name. */
export const NAMESPACES = '/run/netns';

/** Every live process of a namespace, whoever started it. */
export function pidsIn(namespace: string): readonly number[] {
  const wanted = `net:[${statSync(`${NAMESPACES}/${namespace}`).ino}]`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && networkOf(entry) === wanted)
    .map(Number)
    .filter(isAlive);
}

function networkOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    // It ended between two looks.
    return undefined;
  }
}

/** Sends a signal to all of them, again to those that were forked meanwhile, until nobody new is left. */
export function signalAll(namespace: string, signal: NodeJS.Signals): void {
  const told = new Set<number>();
  for (;;) {
    const others = pidsIn(namespace).filter((pid) => !told.has(pid));
    if (others.length === 0) return;
    for (const pid of others) {
      sendSignal(pid, signal);
      told.add(pid);
    }
  }
}

const ENDED_WITHIN_MS = 10_000;

/** SIGKILL to every process of a namespace; returns when all are gone, or those that are not after 10 s. */
export function killAll(namespace: string): readonly number[] {
  const endsAtMs = performance.now() + ENDED_WITHIN_MS;
  for (;;) {
    const left = pidsIn(namespace);
    if (left.length === 0 || performance.now() > endsAtMs) return left;
    for (const pid of left) sendSignal(pid, 'SIGKILL');
    // The event loop does not run while a process exits.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
}
