import { inFile, type Unmissed } from './mutant.ts';

/** Guards of what is decided and compared that no seed has missed so far. */
export const UNMISSED_DECISIONS: readonly Unmissed[] = [
  ...inFile('src/core/quorum.ts', [
    {
      name: 'members_only',
      guards: 'only members of a rule count towards it (I1, I6)',
      original: 'const counted = rule.cohort.filter((member) => pledged.includes(member));',
      replacement: 'const counted = pledged;',
      why: 'matters only while a rule changes, where who leaves could count for the rule of those who stay: the pledges of a reign are counted once more by a checker',
    },
  ]),
  ...inFile('src/core/election.ts', [
    {
      name: 'whoever_holds_the_baton_proves_all_that_it_has',
      guards: 'what the holder has after somebody promoted it before its own promotion is not lost (I1)',
      original: 'const isOfHolder = each.node === from || (goesOn && hasAllBefore);',
      replacement: 'const isOfHolder = goesOn && hasAllBefore;',
      why: 'nothing is acknowledged on such a timeline any more before the group knows it',
    },
    {
      name: 'number_by_hand_proves_nothing',
      guards: 'a timeline that somebody began by hand does not make a node the most advanced (I1)',
      original: 'const own = accounted.filter(({ isForeign }) => !isForeign);',
      replacement: 'const own = accounted;',
      needs: ['promote_by_hand'],
      why: 'who may go on from a timeline begun by hand has all acknowledged commits as well',
    },
    {
      name: 'candidate_not_diverged',
      guards: 'what has diverged from the most advanced is not elected (I9)',
      original: 'isContained(each.pledge, source.pledge) &&',
      replacement: '',
      needs: ['promote_by_hand'],
      why: 'a candidate that can not fetch is given up after a while',
    },
  ]),
  ...inFile('src/core/absence.ts', [
    {
      name: 'who_waits_for_its_disk_has_time',
      guards: 'a standby that answers nothing and is there has the whole detection time (I28)',
      original:
        "return standby === undefined || (standby.status === 'running' && standby.upstream === null);",
      replacement: 'return true;',
      why: 'it is given up early and comes back when it can: no commit is lost by that',
    },
  ]),
  ...inFile('src/core/liveness.ts', [
    {
      name: 'down_only_after_begun',
      guards: 'who was elected while it was stopped is given the time to start',
      original: 'return report.promotedTerm === reign.term && hasBegun(reign)',
      replacement: 'return true',
      why: 'the next election picks the same node again',
    },
  ]),
  ...inFile('src/core/membership.ts', [
    {
      name: 'voter_on_this_history',
      guards: "a voter is on the reign's own history (I9, I16)",
      original: "!== 'contained')\n    return false;",
      replacement: "=== 'never')\n    return false;",
      needs: ['promote_by_hand'],
      why: 'the keeper of a standby lets it follow only where its WAL is contained; this is the net against that other process, since PostgreSQL lets a diverged standby connect for a moment',
    },
  ]),
  ...inFile('src/core/decide.ts', [
    {
      name: 'learn_only_from_this_reign',
      guards: 'only a primary that was promoted in this term tells where its timeline began (I10)',
      original: 'report?.promotedTerm !== reign.term ||',
      replacement: 'report === undefined ||',
      needs: ['promote_by_hand'],
      why: 'matters only when somebody promotes the server between two steps of its keeper',
    },
    {
      name: 'learn_no_older_timeline',
      guards: 'a primary on the timeline before tells nothing of the reign (I10)',
      original: 'if (isOlder || isKnown) return undefined;',
      replacement: 'if (isKnown) return undefined;',
      needs: ['promote_by_hand'],
      why: 'takes somebody who takes standby.signal away from an elected standby and starts it as a primary',
    },
    {
      name: 'rule_confirmed_in_this_term',
      guards: 'what was proven of a rule in another term proves nothing (I6)',
      original:
        'if (confirmed?.term !== reign.term || confirmed.change !== record.ruleChanges) return undefined;',
      replacement: 'if (confirmed?.change !== record.ruleChanges) return undefined;',
      why: 'half of the identity of a proof: what was proven of a change in an earlier term still holds in a later one, and nobody should have to think that through',
    },
  ]),
  ...inFile('src/core/lineage.ts', [
    {
      name: 'same_number_other_history',
      guards: 'the same timeline number with another history is unprovable (I10)',
      original: "return sameSwitches(local.history, history) ? 'contained' : 'unprovable';",
      replacement: "return 'contained';",
      needs: ['promote_by_hand'],
      why: 'two histories under one number are told apart by several guards: each sees what the others see, and the rest is a known hole',
    },
    {
      name: 'same_past_number_other_history',
      guards: 'also where the timeline is a past one of the reign, its history is compared (I10)',
      original: "if (!sameSwitches(local.history, history.slice(0, index))) return 'unprovable';",
      replacement: '',
      needs: ['promote_by_hand'],
      why: 'two histories under one number are told apart by several guards: each sees what the others see, and the rest is a known hole',
    },
    {
      name: 'no_more_than_the_basis',
      guards: 'before the fork is known, only what the basis has may follow (I9)',
      original: "return comparePositions(local.position, basis.position) <= 0 ? 'contained' : 'unknown';",
      replacement: "return 'contained';",
      why: 'PostgreSQL refuses to stream from behind the fork, and the history is known soon',
    },
    {
      name: 'on_the_way_to_the_basis',
      guards: 'before the fork is known, only what lies on the way to the basis may follow (I9)',
      original: "if (toBasis !== 'contained') return 'unknown';",
      replacement: '',
      needs: ['promote_by_hand'],
      why: 'PostgreSQL refuses to stream from behind the fork, and the history is known soon',
    },
    {
      name: 'goes_on_from_this_reign',
      guards: 'a timeline goes on from a reign only where its history went through it (I10)',
      original: 'return index >= 0 && sameSwitches(history.slice(0, index), reign.history);',
      replacement: 'return true;',
      needs: ['promote_by_hand'],
      why: 'matters only when somebody promotes the server between two steps of its keeper',
    },
    {
      name: 'forks_are_compared',
      guards: 'two histories are one only where they forked at the same place (I10)',
      original: 'entry.timeline === b[i]?.timeline && compareLsn(entry.end, b[i].end) === 0',
      replacement: 'entry.timeline === b[i]?.timeline',
      needs: ['promote_by_hand'],
      why: 'two histories under one number are told apart by several guards: each sees what the others see, and the rest is a known hole',
    },
  ]),
  ...inFile('src/core/known-history.ts', [
    {
      name: 'accounted_by_history',
      guards: 'a reign accounts for its timeline only with its own history (I10)',
      original: 'if (reign.timeline === timeline) return sameSwitches(history, reign.history);',
      replacement: 'if (reign.timeline === timeline) return true;',
      needs: ['promote_by_hand'],
      why: 'two histories under one number are told apart by several guards: each sees what the others see, and the rest is a known hole',
    },
    {
      name: 'accounted_by_basis',
      guards: 'a reign that was lost at once accounts only for what forks off at its basis (I10)',
      original:
        'return (\n      history.at(-1)?.timeline === basis.position.timeline &&\n      sameSwitches(history.slice(0, -1), basis.history)\n    );',
      replacement: 'return true;',
      needs: ['promote_by_hand'],
      why: 'two histories under one number are told apart by several guards: each sees what the others see, and the rest is a known hole',
    },
  ]),
  ...inFile('src/deciding/evidence-book.ts', [
    {
      name: 'newest_report_counts',
      guards: 'a report that was held up does not replace a newer one (I32)',
      original: 'if (known !== undefined && isOlder(report, known)) return false;',
      replacement: '',
      why: 'reports overtake each other only when one is lost for two seconds',
    },
  ]),
];
