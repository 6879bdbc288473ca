import { inFile, type Mutant } from './mutant.ts';

/** Bugs of the checkers: what they took for a fault and was none. */
export const CHECKER_FIXES: readonly Mutant[] = [
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
  ...inFile('sim/decided.ts', [
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
  ]),
  ...inFile('sim/election-rules.ts', [
    {
      name: 'a_source_that_was_not_heard_may_have_anything',
      guards:
        'a decider that does not know the pledge of the source can not know that a fetch is in vain (I26)',
      original: 'if (!isTold || !isSourceKnown) return undefined;',
      replacement: 'if (!isTold) return undefined;',
      among: ['treat_by_hand', 'cut_all_peers', 'lose_host', 'kill_keeper'],
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
];
