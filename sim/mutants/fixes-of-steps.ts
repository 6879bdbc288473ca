import { inFile, type Mutant } from './mutant.ts';

/** In what a node does next, in its keeper and its decider, and in the simulator. */
export const FIXES_OF_STEPS: readonly Mutant[] = [
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
  ...inFile('src/deciding/evidence-book.ts', [
    {
      name: 'who_was_deaf_to_a_new_holder_listens_first',
      guards: 'a holder is not given up at once by a decider that could not hear it before either (I32)',
      original: 'return now() - (heard.get(node)?.atMs ?? startedAtMs) >= settings.detectionMs;',
      replacement: 'return false;',
      store: 'etcd',
      among: ['cut_pair', 'kill_postgres', 'stop_by_hand', 'cut_one_way', 'switchover'],
    },
    {
      name: 'reports_of_an_earlier_session_are_old',
      guards: 'a report of a killed keeper that comes in late is known to be old (I26)',
      original: 'if (report.session !== known.session) return report.session < known.session;',
      replacement: '',
      among: ['kill_keeper', 'kill_keeper_and_postgres', 'reorder_messages', 'slow_network'],
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
    {
      name: 'a_decision_that_could_not_be_written_down_waits',
      guards: 'a decision that a full disk did not take is not forgotten where nobody sends it again (I26)',
      original: 'if (newest !== undefined) line.inbox.putBack(newest);',
      replacement: '',
      store: 'etcd',
      among: ['fill_disk', 'kill_postgres'],
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
  ...inFile('sim/monitor-link.ts', [
    {
      name: 'a_late_answer_brings_no_older_lease',
      guards: 'a lease that was renewed does not end with the answer to an older report (I33)',
      original: 'const isHeard = !isLate && !stored.isRefused;',
      replacement: 'const isHeard = !stored.isRefused;',
      durability: 'async',
      among: ['reorder_messages', 'kill_keeper', 'crash_points', 'slow_network'],
    },
  ]),
];
