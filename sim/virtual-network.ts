import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/** 0 is the monitor, -1 the clients' machine, nodes have their id. */
export type Place = number;
export const MONITOR: Place = 0;
export const CLIENTS: Place = -1;

/** Links with a delay that can be cut, each direction by itself. */
export interface VirtualNetwork {
  isOpen(from: Place, to: Place): boolean;
  /** Both directions. */
  canTalk(a: Place, b: Place): boolean;
  /** Whether it is open and not slowed down. */
  isQuick(from: Place, to: Place): boolean;
  cut(from: Place, to: Place): void;
  heal(from: Place, to: Place): void;
  healAll(): void;
  /** Nothing is cut, and nothing slow. */
  isWhole(): boolean;
  /** Makes everything slower by this factor. */
  slowDown(factor: number): void;
  /** How often what is sent is held up for so long, and overtaken by what is sent later. */
  disturb(chance: number, heldUpMs: number): void;
  delayMs(from: Place, to: Place): number;
  /** A datagram: lost when the link is cut. */
  send(from: Place, to: Place, deliver: () => void): void;
  /** Part of a stream: sent again until it gets through or `isOver` says that nobody waits for it. */
  stream(from: Place, to: Place, isOver: () => boolean, deliver: () => void): void;
}

/** How often TCP sends again what was not acknowledged, ms. */
const RETRANSMIT_MS = 200;

/** `randomOf`: the chance of a place, so that what one sends does not disturb the delays of another. */
export function createNetwork(clock: Clock, randomOf: (place: Place) => Random): VirtualNetwork {
  const randoms: Random[] = [];
  const cuts = new Set<number>();
  let slowness = 1;
  let [disorder, heldUpMaxMs] = [0, 0];
  const keyOf = (from: Place, to: Place): number => (from + 1) * 100 + to + 1;
  const isOpen = (from: Place, to: Place): boolean =>
    cuts.size === 0 || from === to || !cuts.has(keyOf(from, to));
  const delayMs = (from: Place, to: Place): number => {
    const random = (randoms[from + 1] ??= randomOf(from));
    if (from === to) return random.between(0.02, 0.1);
    const heldUpMs = disorder > 0 && random.chance(disorder) ? random.between(0, heldUpMaxMs) : 0;
    return random.between(0.1, 1) * slowness + heldUpMs;
  };

  function stream(from: Place, to: Place, isOver: () => boolean, deliver: () => void): void {
    if (isOver()) return;
    if (isOpen(from, to)) clock.after(delayMs(from, to), deliver);
    else clock.after(RETRANSMIT_MS, () => stream(from, to, isOver, deliver));
  }

  return {
    isOpen,
    isQuick: (from, to) => slowness === 1 && disorder === 0 && isOpen(from, to),
    canTalk: (a, b) => isOpen(a, b) && isOpen(b, a),
    cut: (from, to) => void cuts.add(keyOf(from, to)),
    heal: (from, to) => void cuts.delete(keyOf(from, to)),
    isWhole: () => cuts.size === 0 && slowness === 1 && disorder === 0,
    healAll() {
      cuts.clear();
      slowness = 1;
      disorder = 0;
    },
    slowDown(factor) {
      slowness = factor;
    },
    disturb(chance, heldUpMs) {
      [disorder, heldUpMaxMs] = [chance, heldUpMs];
    },
    delayMs,
    send(from, to, deliver) {
      if (isOpen(from, to)) clock.after(delayMs(from, to), deliver);
    },
    stream,
  };
}
