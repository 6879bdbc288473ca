import { inFile, type Mutant } from './mutant.ts';

/** What takes a store away or puts an old copy back, and what makes it matter. */
export const AMONG_STORE_LOSSES = [
  'lose_monitor_disk',
  'restore_monitor',
  'kill_postgres',
  'lose_host',
  'isolate_node',
  'isolate_monitor',
  'kill_monitor',
  'switchover',
  'failover',
  'maintenance',
  'number_sync',
] as const;
const among = AMONG_STORE_LOSSES;

/** The guards of a group whose store was lost or restored from an old copy (I36). */
export const RECOVERING: readonly Mutant[] = [
  ...inFile('src/core/record-home.ts', [
    {
      name: 'old_copy_decides_nothing',
      guards: 'a store whose nodes know better decides nothing',
      original: "return standing !== 'foreign' || record.nodes.length === 0;",
      replacement: 'return false;',
      among,
    },
    {
      name: 'later_version_is_ahead',
      guards: 'a node that has a later version than the store knows better',
      original: "if (seen.incarnations.length > length || seen.version > version) return 'ahead';",
      replacement: "if (seen.incarnations.length > length) return 'ahead';",
      among,
    },
    {
      name: 'recovered_record_is_taken',
      guards: 'a recovered record is taken by those who have seen a later version of the lost store',
      original: "if (incarnations.length > length) return 'known';",
      replacement: '',
      among,
    },
    {
      name: 'only_the_same_line_is_taken',
      guards: 'a keeper takes no record of a store that is not to be believed',
      original: "return standingOf(stampOf(known, knownVersion), record, version) === 'known';",
      replacement: 'return true;',
      among,
    },
    {
      name: 'a_recovered_record_has_a_new_home',
      guards: 'a recovered record is told from the one that the lost store had',
      original: 'incarnations: [...incarnations, incarnation],',
      replacement: 'incarnations,',
      among,
    },
  ]),
  ...inFile('src/core/decide.ts', [
    {
      name: 'renew_term',
      guards: 'who has promised a term which nobody works on comes back under a newer one (I27)',
      original:
        'if (first === undefined || !couldElect(record, evidence, { holder: true })) return undefined;',
      replacement: 'if (first !== undefined || ahead.length === 0) return undefined;',
      among,
    },
  ]),
  ...inFile('src/core/recover-group.ts', [
    {
      name: 'the_newest_record_is_taken',
      guards: 'a group is recovered from the record of which all others are earlier versions',
      original: 'candidates.every((other) => isOf(other, { record, version: report.recordVersion })),\n  );',
      replacement: 'record.nodes.length + report.recordVersion > 0,\n  );',
      among: ['lose_monitor_disk', 'isolate_node', 'kill_keeper', 'failover', 'lose_host'],
    },
    {
      name: 'terms_go_past_all',
      guards: 'the next term is one that nobody here has seen',
      original: "term: Math.max(greatest('term'), ...terms) + TERM_JUMP,",
      replacement: 'term: record.term + 0 * greatest("term") * terms.length * TERM_JUMP,',
      among,
    },
    {
      name: 'rule_changes_go_past_all',
      guards: 'what was proven for a change of the rule in another line proves nothing (I6)',
      original: "ruleChanges: greatest('ruleChanges') + RULE_CHANGE_JUMP,",
      replacement: 'ruleChanges: record.ruleChanges + 0 * RULE_CHANGE_JUMP,',
      among,
    },
    {
      name: 'recovered_handover_leaves_nothing',
      guards: 'with a handover that is dropped ends what it was to make room for (I26)',
      original: "? { ...node, maintenance: false, dropping: 'no' as const }",
      replacement: '? node',
      among,
    },
  ]),
];

/** Bugs of them. */
export const RECOVERY_FIXES: readonly Mutant[] = [
  ...inFile('src/core/recover-group.ts', [
    {
      name: 'a_recovery_leaves_nobody_on_the_way_out',
      guards: 'a primary whose handover became a failover is not on its way out after a recovery (I36)',
      original: 'node.id === intent?.from',
      replacement: "intent?.kind === 'handover' && node.id === intent.from",
      among: ['drop_node', 'isolate_monitor', 'lose_monitor_disk'],
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
];
