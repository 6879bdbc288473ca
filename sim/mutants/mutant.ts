/**
 * A guard of the product, and how to switch it off: one place in one file,
 * replaced while the simulator is loaded. The product itself has no switch.
 */
export interface Mutant {
  readonly name: string;
  /** What the guard keeps from happening, and the invariant that it serves. */
  readonly guards: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Stands exactly once in the file: a changed core makes the mutant fail instead of testing nothing. */
  readonly original: string;
  readonly replacement: string;
  /** Faults that the hunt leaves out otherwise. */
  readonly needs?: readonly string[];
  /** The groups that the hunt looks at; absent: those with a quorum. */
  readonly durability?: 'async';
  /** Where the hunt has them; absent: in a monitor. */
  readonly store?: 'etcd';
  /** The only faults that the hunt has: those that bring about what the guard prevents. */
  readonly among?: readonly string[];
}

/** The source with the guard switched off. Throws when the guard is not where it was, or is there twice. */
export function switchOff(mutant: Mutant, source: string): string {
  const parts = source.split(mutant.original);
  if (parts.length !== 2)
    throw new Error(`the text of ${mutant.name} stands ${parts.length - 1} times in ${mutant.file}`);
  return parts.join(mutant.replacement);
}

/** A guard that no seed has missed. */
export interface Unmissed extends Mutant {
  /** What is believed to hold without it, or to be out of reach of the faults. */
  readonly why: string;
}

/** Mutants of one file. */
export function inFile<T extends object>(
  file: string,
  mutants: readonly T[],
): readonly (T & { readonly file: string })[] {
  return mutants.map((mutant) => ({ ...mutant, file }));
}
