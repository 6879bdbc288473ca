import { LEASING_FIXES } from './leasing.ts';
import { inFile, type Mutant } from './mutant.ts';
import { SHARING_FIXES } from './sharing.ts';

/**
 * Bugs that the simulator found, and some of its own, each taken back by
 * switching off what mended it. sim/regressions/ has a scenario for each,
 * found without the fix.
 */
export const FIXES: readonly Mutant[] = [
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
  ...inFile('src/core/change-reign.ts', [
    {
      name: 'who_has_handed_over_acknowledges_nothing',
      guards: 'whoever starts and promotes an old primary after its promise has no commit acknowledged (I8)',
      original: "return step({ kind: 'hand_over', term: intent.term, settings }, intent.because);",
      replacement:
        "return step({ kind: 'hand_over', term: intent.term, settings: local.configured ?? settings }, intent.because);",
      among: ['failover', 'treat_by_hand', 'kill_monitor', 'isolate_monitor', 'crash_points'],
    },
    {
      name: 'who_fetches_from_a_fresh_copy_needs_a_slot_there',
      guards: 'the source of a fetch makes slots (I26)',
      original: "if (status === 'running' && role === 'standby' && !sameIds(others, local.slotsFor))",
      replacement: 'if (false)',
      among: ['cut_one_way', 'lose_disk'],
    },
  ]),
  ...inFile('src/core/be-primary.ts', [
    {
      name: 'a_number_taken_by_hand_is_no_promotion',
      guards: 'an elected node that two promotions by hand took to the number of its reign is promoted (I26)',
      original: 'if (local.promotedTerm !== reign.term) return false;',
      replacement: '',
      among: ['treat_by_hand', 'lose_host', 'store_loses_replies', 'isolate_node', 'failover'],
    },
  ]),
  ...inFile('src/core/plan.ts', [
    {
      name: 'who_has_pledged_and_is_promoted_by_hand_is_stopped',
      guards: 'an old primary that was promoted by hand after its pledge does not answer readers (I14)',
      original: 'if (isPrimary(local) && promised > (reign?.term ?? 0))',
      replacement: 'if (false)',
      among: ['treat_by_hand', 'switchover', 'isolate_node', 'cut_pair', 'promote_by_hand'],
    },
    {
      name: 'a_primary_without_the_baton_is_stopped_in_maintenance',
      guards: 'an old primary does not stay open in maintenance (I14)',
      original:
        "const isLeftAlone = me.maintenance && !isNeeded(record, me) && local.postgres.role !== 'primary';",
      replacement: 'const isLeftAlone = me.maintenance && !isNeeded(record, me);',
      among: ['maintenance', 'lose_host', 'isolate_node', 'pause_host', 'switchover', 'suspend_host'],
    },
    {
      name: 'foreign_data_are_left_alone',
      guards:
        'a server of another system that somebody started is neither promoted nor asked for a pledge (I11)',
      original: 'if (isForeign(record, local.postgres))',
      replacement:
        'if (record.reign?.holder !== local.node && record.intent === null && isForeign(record, local.postgres))',
      among: ['foreign_data', 'start_by_hand', 'kill_monitor', 'isolate_monitor', 'failover'],
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
  ...inFile('src/core/be-standby.ts', [
    {
      name: 'a_standby_is_rewound_before_the_reign_is_confirmed',
      guards: 'the first commit of a reign may wait for the very node that has to be rewound (I26)',
      original: "return status === 'running'\n        ? step({ kind: 'stop', mode: 'fast' }",
      replacement:
        "if (!reign.confirmed) return rest('the reign is not confirmed yet');\n      return status === 'running'\n        ? step({ kind: 'stop', mode: 'fast' }",
      among: ['isolate_node', 'lose_host', 'kill_postgres', 'kill_keeper_and_postgres', 'cut_pair'],
    },
    {
      name: 'a_fresh_copy_is_started_with_its_source',
      guards: 'a copy or a rewound server gets the WAL that it lacks from its source (I26)',
      original:
        "const settings = standbySettings(record, local, source, true);\n    return step({ kind: 'start_standby', settings }, `a fresh copy",
      replacement:
        "const settings = standbySettings(record, local, null, true);\n    return step({ kind: 'start_standby', settings }, `a fresh copy",
      among: ['kill_keeper_and_postgres', 'lose_host', 'promote_by_hand', 'isolate_node'],
    },
    {
      name: 'a_copy_that_a_person_started_is_started_anew',
      guards: 'a copy that a person starts before its keeper does is given its source (I26)',
      original: 'if (startsWithoutSource(local, source))',
      replacement: 'if (false)',
      among: ['start_by_hand', 'crash_points', 'treat_by_hand', 'pause_host', 'isolate_monitor'],
    },
  ]),
  ...inFile('sim/virtual-keeper.ts', [
    {
      name: 'only_what_is_durable_is_reported',
      guards: 'nobody hears of a promise that is not on disk yet (I7)',
      original: 'const report = (): void => tell(reportOfState(node, mine, self.durable, process.timeMs()));',
      replacement: 'const report = (): void => tell(reportOfState(node, mine, entry, process.timeMs()));',
      among: ['kill_keeper', 'crash_points', 'kill_postgres', 'hang_disk', 'lose_host'],
    },
    {
      name: 'a_journal_that_was_not_written_is_written_again',
      guards: 'nothing is planned on what a full disk did not take (I26)',
      original: 'if (newest === undefined && entry === self.durable) return true;',
      replacement: 'if (newest === undefined) return true;',
      among: ['fill_disk', 'switchover', 'kill_postgres', 'number_sync'],
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
  ...inFile('sim/keeper-actions.ts', [
    {
      name: 'foreign_data_are_not_started_by_an_old_plan',
      guards: 'data that were put there after their start was planned are not started (I11)',
      original: 'if (data !== null && state.record !== null && isForeign(state.record, data))',
      replacement: 'if (false)',
      among: ['foreign_data', 'hang_disk', 'suspend_host', 'kill_monitor', 'lose_host'],
    },
    {
      name: 'a_server_is_stopped_before_it_is_copied_over',
      guards: 'a copy goes over a server that is down (I26)',
      original: "yield* stop('fast', context);\n  yield* copyData",
      replacement: 'yield* copyData',
      among: ['promote_by_hand', 'start_by_hand', 'kill_keeper_and_postgres', 'isolate_node'],
    },
  ]),
  ...inFile('src/core/recover-group.ts', [
    {
      name: 'a_recovery_leaves_nobody_on_the_way_out',
      guards: 'a primary whose handover became a failover is not on its way out after a recovery (I36)',
      original: 'node.id === intent?.from',
      replacement: "intent?.kind === 'handover' && node.id === intent.from",
      among: ['drop_node', 'isolate_monitor', 'lose_monitor_disk'],
    },
  ]),
  ...inFile('src/core/be-primary.ts', [
    {
      name: 'nothing_is_acknowledged_on_a_timeline_that_is_not_known',
      guards:
        'a node that was promoted by hand before it was elected acknowledges nothing before the group knows its timeline (I1)',
      original: 'if (position !== null && position.timeline !== reign.timeline) {',
      replacement:
        'if (reign.history !== null && position !== null && position.timeline !== reign.timeline) {',
      among: ['start_by_hand', 'monitor_crash_points', 'treat_by_hand'],
    },
  ]),
  ...inFile('src/core/record-home.ts', [
    {
      name: 'a_recovery_ends_all_other_recoveries',
      guards: 'who follows one of two recoveries takes a record that was recovered from the other (I36)',
      original: "if (record.home.superseded?.includes(seen.incarnations.at(-1) ?? '')) return 'known';",
      replacement: '',
      among: ['lose_monitor_disk', 'restore_monitor', 'crash_points', 'switchover'],
    },
  ]),
  ...inFile('src/core/group-record.ts', [
    {
      name: 'a_record_without_its_number_says_nothing_to_a_node',
      guards: 'a new node is not told by a store that has begun anew that it was dropped (I26)',
      original: 'return id < record.nextNodeId;',
      replacement: 'return true;',
      among: ['drop_node', 'hang_disk', 'reorder_messages', 'lose_monitor_disk'],
    },
  ]),
  ...inFile('sim/copies.ts', [
    {
      name: 'what_was_not_rewound_is_no_copy',
      guards: 'a rewind that was not done leaves no data that count as a copy (I10)',
      original:
        "if (server.status !== 'down' || server.data === null) throw new StepFailed('the server has to be down');\n  const from",
      replacement: 'yield* context.journal.write({ copyOf: source.term });\n  const from',
      among: ['treat_by_hand', 'cut_pair', 'promote_by_hand', 'isolate_node', 'start_by_hand'],
    },
  ]),
  ...inFile('sim/checkers.ts', [
    {
      name: 'what_a_promotion_by_hand_shows_is_not_acknowledged',
      guards:
        'what a crash left on the holder is not taken for acknowledged when a person opens it (I6, I13)',
      original: 'const isHoldersOwn = decided?.reign?.holder === server.node && record.timeline === newest;',
      replacement: 'const isHoldersOwn = decided?.reign?.holder === server.node;',
      among: ['hang_disk', 'lose_host', 'treat_by_hand', 'pause_host', 'store_is_down'],
    },
  ]),
  ...inFile('sim/observation.ts', [
    {
      name: 'a_strange_database_is_no_other_history',
      guards: 'a voter has not diverged because the holder has just lost its data to another database (I16)',
      original: 'return data?.systemIdentifier === systemIdentifier ? data?.wal : undefined;',
      replacement: 'return data?.wal;',
      among: ['foreign_data', 'drop_node', 'kill_monitor'],
    },
  ]),
  ...inFile('sim/decision-rules.ts', [
    {
      name: 'a_holder_whose_data_are_foreign_has_none_to_start',
      guards: 'a new holder whose data were replaced before it started is rightly given up (I32)',
      original: 'if (!isForeign(before, report.postgres)) return report;',
      replacement: 'return report;',
      among: [
        'kill_monitor',
        'kill_keeper_and_postgres',
        'store_loses_replies',
        'store_is_down',
        'foreign_data',
      ],
    },
    {
      name: 'a_number_reached_by_hand_is_no_reign',
      guards: 'who was promoted by hand onto the number of a reign has not what that reign has (I9)',
      original:
        'node !== before.intent?.from && own.includes(position.timeline) && !hasOnlyTheNumber(pledge);',
      replacement: 'node !== before.intent?.from && own.includes(position.timeline);',
      among: ['treat_by_hand', 'kill_keeper', 'lose_disk', 'isolate_monitor'],
    },
  ]),
  ...inFile('sim/group.ts', [
    {
      name: 'a_request_to_an_empty_store_takes_no_reign_back',
      guards: 'who holds the baton is not forgotten because somebody asks a lost store for something (I34)',
      original: 'if (termOf(next) >= termOf(decided)) decided = next;',
      replacement: 'decided = next;',
      among: ['spoil_switchover', 'lose_monitor_disk', 'restore_monitor', 'make_async', 'treat_by_hand'],
    },
  ]),
  ...inFile('src/core/next-reign.ts', [
    {
      name: 'a_fence_outlasts_who_was_never_promoted',
      guards: 'what fences a lost primary is waited for also by the second who is elected in its place (I3)',
      original: 'if (reign?.fencedBy === undefined || reign.history !== null) return {};',
      replacement: 'return {};',
      durability: 'async',
      among: ['cut_pair', 'stop_by_hand', 'failover'],
    },
  ]),
  ...inFile('sim/lease-ends.ts', [
    {
      name: 'no_fencer_acts_on_a_lease_that_is_not_needed',
      guards: 'a primary whose voters fence it again is not ended for want of a lease (I33)',
      original: "if (order.kind === 'release' || order.kind === 'guard') dueMs = undefined;",
      replacement: "if (order.kind === 'release') dueMs = undefined;",
      durability: 'async',
      among: ['change_durability'],
    },
  ]),
  ...LEASING_FIXES,
  ...SHARING_FIXES,
];
