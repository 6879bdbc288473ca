import { createGrowingArray } from './growing-array.ts';

/**
 * All states seen, each once: its numbers side by side in one array, and an
 * open hash table of places in it. Found by hash, told apart by all of their
 * numbers, so no two states are ever taken for one.
 */
export interface StateSet {
  /** The place of a state; when it is new, minus one minus its new place. */
  add(packed: Int32Array): number;
  /** The place of a state; -1: it is not there. */
  find(packed: Int32Array): number;
  read(place: number, into: Int32Array): void;
  readonly size: number;
}

export function createStateSet(width: number): StateSet {
  const numbers = createGrowingArray();
  let table = new Int32Array(1 << 16).fill(-1);
  let size = 0;

  function hashOf(at: (i: number) => number): number {
    let hash = 0x9e3779b9;
    for (let i = 0; i < width; i++) {
      hash = Math.imul(hash ^ at(i), 0x85ebca6b);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash, 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  }

  function isAt(place: number, packed: Int32Array): boolean {
    for (let i = 0; i < width; i++) if (numbers.at(place * width + i) !== packed[i]) return false;
    return true;
  }

  /** The slot of a state, or the free one where it belongs. */
  function slotOf(packed: Int32Array): number {
    const mask = table.length - 1;
    let slot = hashOf((i) => packed[i]!) & mask;
    while (table[slot] !== -1 && !isAt(table[slot]!, packed)) slot = (slot + 1) & mask;
    return slot;
  }

  function grow(): void {
    table = new Int32Array(table.length * 2).fill(-1);
    const mask = table.length - 1;
    for (let place = 0; place < size; place++) {
      let slot = hashOf((i) => numbers.at(place * width + i)) & mask;
      while (table[slot] !== -1) slot = (slot + 1) & mask;
      table[slot] = place;
    }
  }

  return {
    get size() {
      return size;
    },
    add(packed) {
      const slot = slotOf(packed);
      if (table[slot] !== -1) return table[slot]!;
      for (let i = 0; i < width; i++) numbers.push(packed[i]!);
      table[slot] = size;
      size += 1;
      if (size * 2 > table.length) grow();
      return -size;
    },
    find: (packed) => table[slotOf(packed)]!,
    read(place, into) {
      for (let i = 0; i < width; i++) into[i] = numbers.at(place * width + i);
    },
  };
}
