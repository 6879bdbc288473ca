import { inFile, type Unmissed } from './mutant.ts';

/** Guards of groups whose commits wait for nobody that no seed has missed. */
export const UNMISSED_LEASES: readonly Unmissed[] = inFile('src/core/lease.ts', [
  {
    name: 'lease_of_who_is_given_up',
    guards: 'who is given up is given no lease any more (I26)',
    original: 'return needsLease(record) && reign?.holder === node && reign.term === term && !isGivenUp;',
    replacement: 'return needsLease(record) && reign?.holder === node && reign.term === term;',
    durability: 'async',
    why: 'a keeper that has heard that it is given up asks for none, and one that has not is mostly silent',
  },
  {
    name: 'no_loss_while_rules_change',
    guards: 'while the rule changes nobody is promoted who need not have every commit (I3, I6)',
    original: 'return rule !== undefined && others.length === 0 && isAsyncRule(rule);',
    replacement: 'return [rule, ...others].some((each) => each !== undefined && isAsyncRule(each));',
    durability: 'async',
    why: 'matters while a group goes from one durability to the other, which no simulated group does',
  },
]);
