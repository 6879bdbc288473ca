import { DECIDING } from './deciding.ts';
import { HISTORIES } from './histories.ts';
import { KEEPING } from './keeping.ts';
import { LEASING } from './leasing.ts';
import type { Mutant } from './mutant.ts';
import { RECOVERING } from './recovering.ts';
import { SHARING } from './sharing.ts';

/** Every guard that the simulator has to miss when it is gone. */
export const MUTANTS: readonly Mutant[] = [
  ...DECIDING,
  ...HISTORIES,
  ...KEEPING,
  ...LEASING,
  ...RECOVERING,
  ...SHARING,
];
