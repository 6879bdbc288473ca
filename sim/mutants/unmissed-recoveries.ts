import { inFile, type Unmissed } from './mutant.ts';
import { AMONG_STORE_LOSSES as among } from './recovering.ts';

/** Guards of a recovery that no seed has missed; the hunts for them were short so far. */
export const UNMISSED_RECOVERIES: readonly Unmissed[] = [
  ...inFile('src/core/record-home.ts', [
    {
      name: 'recovered_store_is_ahead',
      guards: 'a node that follows a recovered store does not go back to the one before',
      original: "if (seen.incarnations.length > length || seen.version > version) return 'ahead';",
      replacement: "if (seen.version > version) return 'ahead';",
      among,
      why: 'the writers part the two lines as well, unless one process has written in both: that takes keepers that decide on a restored etcd',
    },
    {
      name: 'writers_part_the_lines',
      guards: 'a restored store is found out also when its versions have passed those of its nodes',
      original: "return isWrittenBy(record.home, seen) ? 'known' : 'diverged';",
      replacement: "return 'known';",
      among,
      why: 'takes a restored store that passes the versions of its nodes before any of them speaks, and is not contradicted by another one then',
    },
  ]),
  ...inFile('src/core/decide.ts', [
    {
      name: 'renew_term_for_all_nodes',
      guards: 'who has promised such a term and is no member any more comes back as well (I26)',
      original: 'const first = record.nodes.find((node) => promised(node) > reign.term);',
      replacement:
        'const first = record.nodes.find((node) => cohortMembers(record).includes(node.id) && promised(node) > reign.term);',
      among,
      why: 'a person in the simulator recovers a group only when all nodes are there',
    },
  ]),
  ...inFile('src/core/recover-group.ts', [
    {
      name: 'timelines_go_past_all',
      guards: 'the next timeline is one that nobody here has seen (I10)',
      original:
        "nextTimeline: Math.max(greatest('nextTimeline'), ...timelines.map((each) => each + 1)) + TIMELINE_JUMP,",
      replacement: 'nextTimeline: record.nextTimeline + 0 * timelines.length * TIMELINE_JUMP,',
      among,
      why: 'with all nodes there the newest record knows all numbers but those that were made by hand, and an election counts these once more',
    },
    {
      name: 'change_of_reign_is_decided_anew',
      guards: 'nobody knows how far the lost store has taken a change of reign',
      original: 'intent: null,\n    // What a handover',
      replacement: 'intent,\n    // What a handover',
      among,
      why: 'with all nodes there none of them has gone further in a change of reign than the newest record',
    },
  ]),
  ...inFile('src/deciding/roll-call.ts', [
    {
      name: 'doubt_outlives_a_restart',
      guards: 'a restart of a restored monitor with other keepers does not make it believed',
      original: 'remember: (node, stamp) => void calls.set',
      replacement: 'remember: (node, stamp) => void new Map().set',
      among,
      why: 'takes a restart of the restored monitor while the keepers that know better are silent',
    },
  ]),
  ...inFile('sim/monitor-link.ts', [
    {
      name: 'refused_is_silent',
      guards: 'a store that decides nothing is no reason to wait for its decision (I26)',
      original: 'if (!isRefused) heard();\n    if (stored.version > report.recordVersion',
      replacement: 'heard();\n    if (stored.version > report.recordVersion',
      among,
      why: 'a primary that waits for a decision is started when the group has been recovered, which a person always does here',
    },
  ]),
  ...inFile('sim/virtual-decider.ts', [
    {
      name: 'no_request_against_a_contradiction',
      guards: 'a store that is not believed takes no request',
      original: 'cell.refresh(() => whenBelieved(() => askAnew(ask, then, 1), disbelieved, lost), lost);',
      replacement: 'cell.refresh(() => askAnew(ask, then, 1), lost);',
      among,
      why: 'what an old copy accepts is dropped when the group is recovered: only the person was told otherwise',
    },
  ]),
];
