import { inFile, type Mutant } from './mutant.ts';

/** Bugs of what is decided, and of whom a decider believes. */
export const DECISION_FIXES: readonly Mutant[] = [
  ...inFile('src/core/decide.ts', [
    {
      name: 'a_switchover_outlives_a_restart_of_the_monitor',
      guards: 'a switchover is not undone because its target has had no time to report (I32)',
      original: '!isAwaited(record, evidence, intent.target);',
      replacement: 'true;',
      among: ['switchover', 'kill_monitor'],
    },
    {
      name: 'an_undone_handover_leaves_the_holder_as_it_was',
      guards: 'a holder whose handover is undone is not left in maintenance (I26)',
      original: "{ ...node, maintenance: false, dropping: 'no' as const } : node,",
      replacement: 'node : node,',
      among: ['maintenance', 'switchover', 'hang_disk', 'pause_host', 'fill_disk', 'pause_keeper'],
    },
    {
      name: 'servers_that_are_down_count_where_the_primary_is_gone',
      guards: 'a voter that is down is started to pledge where the primary has lost its data (I26)',
      original: 'if (!couldElect(record, evidence, { down: isGone })) return undefined;',
      replacement: 'if (!couldElect(record, evidence)) return undefined;',
      among: ['lose_disk', 'promote_by_hand', 'kill_keeper_and_postgres', 'stop_by_hand', 'kill_postgres'],
    },
    {
      name: 'a_dropped_node_that_crashed_is_removed',
      guards: 'a dropped node need not have been shut down cleanly (I26)',
      original: 'return report === undefined || isDown(report.postgres);',
      replacement: "return report === undefined || report.postgres.status === 'stopped';",
      among: ['drop_node', 'kill_postgres', 'kill_keeper_and_postgres'],
    },
  ]),
  ...inFile('src/core/election.ts', [
    {
      name: 'a_member_that_joins_or_leaves_may_be_elected',
      guards: 'where no other can be elected a member of one of two rules may be (I26)',
      original:
        'for (const allows of [isEligible, isEligibleAtNeed, ...(isUrgent ? [isEligibleThoughLeaving] : [])]) {',
      replacement: 'for (const allows of [isEligible]) {',
      among: ['lose_disk', 'promote_by_hand', 'replication_quorum', 'isolate_monitor', 'kill_keeper'],
    },
    {
      name: 'a_holder_promoted_by_hand_keeps_its_commits',
      guards:
        'commits that the holder acknowledged after somebody promoted it in its own reign are not lost (I1)',
      original: 'const goesOn = each.isForeign && each.known',
      replacement: 'const goesOn = false && each.known',
      among: [
        'kill_keeper',
        'treat_by_hand',
        'stop_by_hand',
        'start_by_hand',
        'promote_by_hand',
        'cut_pair',
        'lose_host',
      ],
    },
    {
      name: 'a_number_made_by_hand_is_no_more_commits',
      guards: 'the timeline number of a promotion by hand says nothing about commits (I1)',
      original: 'return comparePositions(a.known.position, b.known.position);',
      replacement: 'return comparePositions(a.pledge.position, b.pledge.position);',
      among: ['promote_by_hand', 'kill_keeper_and_postgres', 'lose_host', 'isolate_node', 'kill_postgres'],
    },
    {
      name: 'who_was_promoted_by_hand_since_it_pledged_fetches_nothing',
      guards: 'nobody waits for a fetch by a member that has diverged since it pledged (I26)',
      original: '(compareKnown(each, source) >= 0 || canFetch(each, source)),',
      replacement: 'true,',
      among: ['spoil_switchover', 'treat_by_hand', 'crash_points', 'suspend_host', 'isolate_node'],
    },
    {
      name: 'who_is_promoted_by_hand_while_it_fetches_is_passed_over',
      guards: 'a fetch by a member that was promoted by hand is given up as soon as that is known (I26)',
      original: 'return !isContained(candidate.pledge, source.pledge) || !canFetch(candidate, source);',
      replacement: 'return false;',
      among: [
        'promote_by_hand',
        'spoil_switchover',
        'candidate_priority',
        'cut_one_way',
        'failover',
        'lose_host',
      ],
    },
  ]),
  ...inFile('src/core/lineage.ts', [
    {
      name: 'a_promotion_by_hand_takes_no_number_of_a_reign',
      guards: 'no reign is given the number that a promotion by hand would take (I10)',
      original: 'return timeline + 2;',
      replacement: 'return timeline + 1;',
      among: ['promote_by_hand', 'failover', 'crash_points', 'isolate_monitor', 'lose_host'],
    },
  ]),
  ...inFile('src/core/liveness.ts', [
    {
      name: 'a_holder_stopped_before_its_promotion_is_learned_is_down',
      guards: 'a holder that was promoted, not learned of, and stopped, is given up (I26)',
      original: 'return report.promotedTerm === reign.term && hasBegun(reign)',
      replacement: 'return reign.history !== null',
      among: [
        'stop_by_hand',
        'kill_monitor',
        'pause_monitor',
        'kill_postgres',
        'isolate_monitor',
        'switchover',
      ],
    },
    {
      name: 'a_first_start_is_no_shutdown',
      guards: 'the first of all has yet to start when it reports that it is stopped (I23)',
      original: 'return reign.basis !== null || reign.history !== null;',
      replacement: 'return true;',
      among: ['kill_monitor'],
    },
  ]),
  ...inFile('src/core/live-report.ts', [
    {
      name: 'foreign_data_are_no_data',
      guards: 'what a server of another system says of its WAL counts for nothing (I11)',
      original: 'return isForeign(record, report.postgres) ? withoutData(report) : report;',
      replacement: 'return report;',
      among: ['foreign_data', 'kill_postgres'],
    },
  ]),
  ...inFile('src/core/membership-requests.ts', [
    {
      name: 'copies_are_counted_without_the_next_primary',
      guards: 'a primary that leaves takes one of the voters with it as the next primary (I15)',
      original: 'if (!members.includes(node)) return undefined;',
      replacement: 'if (!members.includes(node) || node === record.reign?.holder) return undefined;',
      among: ['maintenance', 'drop_node', 'switchover'],
    },
  ]),
  ...inFile('src/deciding/evidence-book.ts', [
    {
      name: 'reports_of_an_earlier_session_are_old',
      guards: 'a report of a killed keeper that comes in late is known to be old (I26)',
      original: 'if (report.session !== known.session) return report.session < known.session;',
      replacement: '',
      among: ['kill_keeper', 'kill_keeper_and_postgres', 'reorder_messages', 'slow_network'],
    },
  ]),
  ...inFile('sim/virtual-decider.ts', [
    {
      name: 'a_decision_that_somebody_was_faster_than_is_no_circle',
      guards: 'decisions that were not written, since others changed the record, do not go round (I27)',
      original: 'if (isWritten) rules.push(decision.rule);\n          else overtaken += 1;',
      replacement: 'rules.push(decision.rule);',
      among: ['store_has_rivals', 'stop_by_hand'],
    },
  ]),
];
