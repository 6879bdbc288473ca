import { inFile, type Mutant } from './mutant.ts';

/** The guards of `plan`: what a keeper does to its own server. */
export const KEEPING: readonly Mutant[] = [
  ...inFile('src/core/be-primary.ts', [
    {
      name: 'empty_directory',
      guards: 'an empty data directory never becomes the primary (I12)',
      original: 'return record.systemIdentifier === null && reign.basis === null',
      replacement: 'return record.rules.length > 0',
      needs: ['lose_disk'],
    },
    {
      name: 'promotion_begun_is_not_done',
      guards: 'a promotion that was begun proves no timeline: the server starts as a standby (I10)',
      original: 'return (position?.timeline ?? local.diskTimeline) === reign.timeline;',
      replacement: 'return true;',
    },
    {
      name: 'start_locked',
      guards: 'a primary that starts after a crash lets nobody in before its marker is acknowledged (I13)',
      original: '...primarySettings(record, reign, local, false), locked: true };',
      replacement: '...primarySettings(record, reign, local, false), locked: false };',
    },
    {
      name: 'steps_down_alone',
      guards: 'a primary that hears neither the store nor its voters stops looking writable (I14, I25)',
      original: 'if (mustStepDown(record, rule, local)) {',
      replacement: 'if (false) {',
    },
    {
      name: 'shut_only_without_voters',
      guards: 'a primary that has its voters stays open without the store',
      original: 'local.quorumSilentMs >= RECONNECTED_MS &&',
      replacement: 'local.quorumSilentMs >= 0 &&',
      needs: ['isolate_monitor'],
    },
    {
      name: 'steps_down_only_without_voters',
      guards: 'a primary that has its voters goes on without the store',
      original: 'local.quorumSilentMs >= detectionMs &&',
      replacement: 'local.quorumSilentMs >= 0 &&',
    },
    {
      name: 'slots_before_marker',
      guards: 'a primary has a slot for every member before anything waits for it (I31)',
      original: 'if (!sameIds(others, local.slotsFor))',
      replacement: 'if (false)',
    },
    {
      name: 'marker_before_open',
      guards: 'clients are let in only when the marker is acknowledged (I13)',
      original: 'if (local.markerAcknowledged === reign.term) {',
      replacement: 'if (local.markerAcknowledged !== -1) {',
    },
  ]),
  ...inFile('src/core/server-settings.ts', [
    {
      name: 'names_before_marker',
      guards: 'a primary waits for its voters from the first moment (I2, I13)',
      original:
        'synchronousStandbyNames: synchronousStandbyNames(votersOf(rule, local.node), rule.k, reign.term),',
      replacement:
        "synchronousStandbyNames: isOpen ? synchronousStandbyNames(votersOf(rule, local.node), rule.k, reign.term) : '',",
    },
    {
      name: 'locked_until_open',
      guards: 'a server that crashed shows nothing before its marker is acknowledged (I13)',
      original: 'locked: !isOpen && (local.configured?.locked ?? true),',
      replacement: 'locked: false,',
    },
  ]),
  ...inFile('src/core/application-name.ts', [
    {
      name: 'k_names',
      guards: 'a commit waits for k voters (I1)',
      original: 'return `ANY ${k} (${',
      replacement: 'return `ANY 1 (${',
    },
  ]),
  ...inFile('src/core/be-standby.ts', [
    {
      name: 'copy_needs_its_source',
      guards: 'a copy that was never started gets the WAL that it needs from its source (I27)',
      original: 'if (copyOf === null) {',
      replacement: 'if (copyOf !== -1) {',
    },
  ]),
  ...inFile('src/core/change-reign.ts', [
    {
      name: 'primary_stops_to_pledge',
      guards: 'a primary is stopped before it pledges (I8)',
      original: "if (role === 'primary')\n        return step(",
      replacement: 'if (false)\n        return step(',
    },
    {
      name: 'pledge_cuts_the_upstream',
      guards: 'who has pledged receives nothing more (I8)',
      original: "standbySettings(record, local, null, status === 'running' ? isLocked(local) : true);",
      replacement:
        "standbySettings(record, local, record.reign && upstreamOf(record, record.reign.holder, record.reign.term), status === 'running' ? isLocked(local) : true);",
    },
    {
      name: 'pledge_again_with_all',
      guards: 'who fetches WAL pledges again only when it has all of it (I28)',
      original: 'if (comparePositions(position, fetch.upTo) >= 0) {',
      replacement: 'if (true) {',
    },
  ]),
  ...inFile('src/core/plan.ts', [
    {
      name: 'leaves_when_not_needed',
      guards: 'a dropped node leaves only when nothing counts on it any more (I1)',
      original: "return me.dropping !== 'no' && !isNeeded(record, me);",
      replacement: "return me.dropping !== 'no';",
    },
  ]),
  ...inFile('src/keeper/node-state.ts', [
    {
      name: 'voters_hold_the_safe_lsn',
      guards: 'a rule is in force only when its voters hold all that was acknowledged before (I6)',
      original: 'compareLsn(each.flushLsn, safeLsn) >= 0,',
      replacement: 'compareLsn(safeLsn, safeLsn) >= 0,',
    },
    {
      name: 'k_voters_hold_it',
      guards: 'a rule is in force only when k of its voters hold what was acknowledged before (I6)',
      original: 'return holding.length >= rule.k ? rule : null;',
      replacement: 'return rule;',
    },
    {
      name: 'voters_of_the_rule_hold_it',
      guards: 'only voters of the new rule prove it (I6)',
      original: 'rule.cohort.includes(each.node) &&',
      replacement: '',
    },
    {
      name: 'voters_are_counted',
      guards: 'a primary notices that its voters have left (I14)',
      original: 'return streaming.length >= rule.k;',
      replacement: 'return true;',
    },
  ]),
  ...inFile('src/core/be-primary.ts', [
    {
      name: 'number_left_for_people_again',
      guards: 'a holder that was promoted by hand since its election leaves the next number free, too (I10)',
      original: 'const timeline = Math.max(reign.timeline, reignTimelineAfter(position.timeline));',
      replacement: 'const timeline = reign.timeline;',
      needs: ['promote_by_hand'],
    },
  ]),
  ...inFile('src/core/membership-requests.ts', [
    {
      name: 'one_of_those_that_stay_reigns',
      guards: 'the copies that a request leaves are counted without the next primary (I15)',
      original: 'const left = Math.max(0, staying.length - 1);',
      replacement: 'const left = staying.filter((member) => member !== record.reign?.holder).length;',
    },
    {
      name: 'requests_leave_enough_voters',
      guards: 'no request takes away voters that commits have to stand on (I15)',
      original: 'if (left >= needed) return undefined;',
      replacement: 'if (left >= 0) return undefined;',
    },
  ]),
  ...inFile('src/core/reign-requests.ts', [
    {
      name: 'one_change_of_reign',
      guards: 'a switchover is refused while a change of reign is under way (I17)',
      original: 'if (record.intent !== null) return busy(record);',
      replacement: '',
    },
  ]),
];
