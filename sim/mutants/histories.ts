import { inFile, type Mutant } from './mutant.ts';

/** The guards of lineage: whose WAL is part of whose. */
export const HISTORIES: readonly Mutant[] = [
  ...inFile('src/core/lineage.ts', [
    {
      name: 'number_left_for_people',
      guards: 'no reign is given the number that a promotion by hand takes (I10)',
      original: 'return timeline + 2;',
      replacement: 'return timeline + 1;',
      needs: ['promote_by_hand'],
    },
    {
      name: 'timeline_before_lsn',
      guards: 'a later timeline wins over more WAL on an earlier one (I1, I9)',
      original: 'return a.timeline - b.timeline || compareLsn(a.lsn, b.lsn);',
      replacement: 'return compareLsn(a.lsn, b.lsn);',
    },
    {
      name: 'unknown_timeline_has_diverged',
      guards: 'a timeline that the reign never went through is not contained in it (I9)',
      original: "if (left === undefined) return 'diverged';",
      replacement: "if (left === undefined) return 'contained';",
      needs: ['promote_by_hand'],
    },
    {
      name: 'behind_the_fork_has_diverged',
      guards: 'WAL behind the fork is not contained (I9)',
      original: "return compareLsn(local.position.lsn, left.end) <= 0 ? 'contained' : 'diverged';",
      replacement: "return 'contained';",
    },
  ]),
  ...inFile('src/core/known-history.ts', [
    {
      name: 'accounted_ancestors',
      guards: 'of the timelines before it a reign accounts only for its own ancestors (I10)',
      original: 'return index >= 0 && sameSwitches(history, known.slice(0, index));',
      replacement: 'return true;',
      needs: ['promote_by_hand'],
    },
  ]),
  ...inFile('src/deciding/evidence-book.ts', []),
];
