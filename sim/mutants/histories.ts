import { inFile, type Mutant } from './mutant.ts';

/** The guards of lineage: whose WAL is part of whose. */
export const HISTORIES: readonly Mutant[] = [
  ...inFile('src/core/lineage.ts', [
    {
      name: 'timeline_before_lsn',
      guards: 'a later timeline wins over more WAL on an earlier one (I1, I9)',
      original: 'return a.timeline - b.timeline || compareLsn(a.lsn, b.lsn);',
      replacement: 'return compareLsn(a.lsn, b.lsn);',
    },
    {
      name: 'same_number_other_history',
      guards: 'the same timeline number with another history is unprovable (I10)',
      original: "return sameSwitches(local.history, history) ? 'contained' : 'unprovable';",
      replacement: "return 'contained';",
      needs: ['promote_by_hand'],
    },
    {
      name: 'same_past_number_other_history',
      guards: 'also where the timeline is a past one of the reign, its history is compared (I10)',
      original: "if (!sameSwitches(local.history, history.slice(0, index))) return 'unprovable';",
      replacement: '',
      needs: ['promote_by_hand'],
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
    {
      name: 'no_more_than_the_basis',
      guards: 'before the fork is known, only what the basis has may follow (I9)',
      original: "return comparePositions(local.position, basis.position) <= 0 ? 'contained' : 'unknown';",
      replacement: "return 'contained';",
    },
    {
      name: 'on_the_way_to_the_basis',
      guards: 'before the fork is known, only what lies on the way to the basis may follow (I9)',
      original: "if (toBasis !== 'contained') return 'unknown';",
      replacement: '',
      needs: ['promote_by_hand'],
    },
    {
      name: 'goes_on_from_this_reign',
      guards: 'a timeline goes on from a reign only where its history went through it (I10)',
      original: 'return index >= 0 && sameSwitches(history.slice(0, index), reign.history);',
      replacement: 'return true;',
      needs: ['promote_by_hand'],
    },
    {
      name: 'forks_are_compared',
      guards: 'two histories are one only where they forked at the same place (I10)',
      original: 'entry.timeline === b[i]?.timeline && compareLsn(entry.end, b[i].end) === 0',
      replacement: 'entry.timeline === b[i]?.timeline',
      needs: ['promote_by_hand'],
    },
  ]),
  ...inFile('src/core/known-history.ts', [
    {
      name: 'marker_is_missing',
      guards: 'WAL without the marker of the reign is not the WAL of the reign (I10)',
      original: 'return markerTerm < reign.term && compareLsn(position.lsn, fork) > 0;',
      replacement: 'return false;',
      needs: ['promote_by_hand'],
    },
    {
      name: 'twin_of_a_reign',
      guards: 'WAL of a reign on a node that never received from it is not the WAL of the reign (I10)',
      original: 'return provenTerm < reign.term && compareLsn(position.lsn, fork) > 0;',
      replacement: 'return false;',
      needs: ['promote_by_hand'],
    },
    {
      name: 'accounted_by_history',
      guards: 'a reign accounts for its timeline only with its own history (I10)',
      original: 'if (reign.timeline === timeline) return sameSwitches(history, reign.history);',
      replacement: 'if (reign.timeline === timeline) return true;',
      needs: ['promote_by_hand'],
    },
    {
      name: 'accounted_by_basis',
      guards: 'a reign that was lost at once accounts only for what forks off at its basis (I10)',
      original:
        'return (\n      history.at(-1)?.timeline === basis.position.timeline &&\n      sameSwitches(history.slice(0, -1), basis.history)\n    );',
      replacement: 'return true;',
      needs: ['promote_by_hand'],
    },
    {
      name: 'accounted_ancestors',
      guards: 'of the timelines before it a reign accounts only for its own ancestors (I10)',
      original: 'return index >= 0 && sameSwitches(history, known.slice(0, index));',
      replacement: 'return true;',
      needs: ['promote_by_hand'],
    },
  ]),
  ...inFile('src/monitor/evidence-book.ts', [
    {
      name: 'newest_report_counts',
      guards: 'a report that was held up does not replace a newer one (I32)',
      original: 'if (known !== undefined && isOlder(report, known)) return false;',
      replacement: '',
    },
  ]),
];
