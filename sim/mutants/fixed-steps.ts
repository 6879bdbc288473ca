import { inFile, type Mutant } from './mutant.ts';

/** Bugs of what a keeper plans, does and writes down. */
export const STEP_FIXES: readonly Mutant[] = [
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
  ...inFile('src/core/plan-unwritten.ts', [
    {
      name: 'an_old_primary_is_ended_without_room_to_write_down_why',
      guards: 'an old primary does not stay open because the disk under its journal is full (I14)',
      original: 'stop: true,',
      replacement: 'stop: false,',
      among: ['fill_disk', 'hang_postgres', 'pause_host', 'isolate_node', 'cut_one_way'],
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
      original: 'const isBehind = newest !== undefined || entry !== self.durable;',
      replacement: 'const isBehind = newest !== undefined;',
      among: ['fill_disk', 'switchover', 'kill_postgres', 'number_sync'],
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
];
