import { inFile, type Mutant } from './mutant.ts';

/** The guards of groups on etcd, where every keeper decides. */
export const SHARING: readonly Mutant[] = [
  ...inFile('src/deciding/evidence-book.ts', [
    {
      name: 'who_was_deaf_listens_first',
      guards: 'a decider that was cut off accuses nobody of the silence that it could not have heard (I32)',
      original: 'if (own === undefined || node === own) return;',
      replacement: 'if (own !== undefined) return;',
    },
    {
      name: 'its_own_reports_are_no_hearing',
      guards: 'a decider that hears nobody but itself is deaf (I32)',
      original: 'if (own === undefined || node === own) return;',
      replacement: 'if (own === undefined) return;',
    },
  ]),
].map((mutant) => ({ ...mutant, store: 'etcd' as const }));

/** Bugs of them, in the product and in the simulator. */
export const SHARING_FIXES: readonly Mutant[] = [
  ...inFile('src/deciding/evidence-book.ts', [
    {
      name: 'who_was_deaf_to_a_new_holder_listens_first',
      guards: 'a holder is not given up at once by a decider that could not hear it before either (I32)',
      original: 'return now() - (heard.get(node)?.atMs ?? -Infinity) >= settings.detectionMs;',
      replacement: 'return false;',
      among: ['cut_pair', 'kill_postgres', 'stop_by_hand', 'cut_one_way', 'switchover'],
    },
  ]),
  ...inFile('src/core/live-report.ts', [
    {
      name: 'who_was_deaf_gives_nothing_up_at_once',
      guards: 'what is under way is not given up by a decider that could hear nobody before (I32)',
      original: 'isListening && liveReport(record, evidence, node) === undefined',
      replacement: 'isListening && reportOf(evidence, node) === undefined',
      among: ['cut_all_peers', 'switchover', 'failover', 'candidate_priority', 'treat_by_hand', 'lose_host'],
    },
  ]),
  ...inFile('sim/virtual-keeper.ts', [
    {
      name: 'a_decision_that_could_not_be_written_down_waits',
      guards: 'a decision that a full disk did not take is not forgotten where nobody sends it again (I26)',
      original: 'if (newest !== undefined) line.inbox.putBack(newest);',
      replacement: '',
      among: ['fill_disk', 'kill_postgres'],
    },
  ]),
].map((mutant) => ({ ...mutant, store: 'etcd' as const }));
