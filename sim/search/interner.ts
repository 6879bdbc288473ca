import { RENAMINGS } from './permutations.ts';

/** A part of a state that exists once: equal contents are the same object, with a small number. */
export interface Interned<T> {
  readonly id: number;
  readonly value: T;
  /** Its numbers under each renaming of the nodes; computed when asked for first. */
  readonly images: Int32Array;
}

/** Keeps each different content once. A state is then a handful of numbers. */
export interface Interner<T> {
  intern(value: T): Interned<T>;
  at(id: number): Interned<T>;
  /** The number of a part under another naming of the nodes. */
  imageOf(id: number, by: number): number;
  readonly size: number;
}

export function createInterner<T>(
  keyOf: (value: T) => string,
  rename: (value: T, by: number) => T,
): Interner<T> {
  const byKey = new Map<string, Interned<T>>();
  const byObject = new Map<T, Interned<T>>();
  const all: Interned<T>[] = [];

  function intern(value: T): Interned<T> {
    const same = byObject.get(value);
    if (same !== undefined) return same;
    const key = keyOf(value);
    const known = byKey.get(key);
    if (known !== undefined) return known;
    const images = new Int32Array(RENAMINGS.length).fill(-1);
    const made = { id: all.length, value, images };
    images[0] = made.id;
    all.push(made);
    byKey.set(key, made);
    byObject.set(value, made);
    return made;
  }

  return {
    intern,
    at: (id) => all[id]!,
    imageOf(id, by) {
      const { images, value } = all[id]!;
      if (images[by] === -1) images[by] = intern(rename(value, by)).id;
      return images[by]!;
    },
    get size() {
      return all.length;
    },
  };
}
