import { inFile, type Mutant } from './mutant.ts';

/** The guards of `plan`: what a keeper does to its own server. */
export const KEEPING: readonly Mutant[] = [
  ...inFile('src/core/be-primary.ts', [
    {
      name: 'pledged_holder_rests',
      guards: 'a holder that has pledged a later term does not go on in its own (I7)',
      original: 'if ((local.pledge?.term ?? 0) > reign.term)',
      replacement: 'if (false)',
    },
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
      original:
        'return reign.basis === null || (position?.timeline ?? local.diskTimeline) === reign.timeline;',
      replacement: 'return true;',
    },
    {
      name: 'promoted_in_this_term',
      guards: 'who was not promoted in this term starts as a standby (I10)',
      original: 'if (local.promotedTerm !== reign.term) return false;',
      replacement: '',
    },
    {
      name: 'start_locked',
      guards: 'a primary that starts after a crash lets nobody in before its marker is acknowledged (I13)',
      original: '...primarySettings(record, reign, local, false), locked: true };',
      replacement: '...primarySettings(record, reign, local, false), locked: false };',
    },
    {
      name: 'promoted_outside',
      guards: 'a server that was promoted by hand is stopped (I34)',
      original: 'if (local.promotedTerm !== reign.term) {',
      replacement: 'if (local.promotedTerm === -1) {',
      needs: ['promote_by_hand'],
    },
    {
      name: 'primary_on_an_old_timeline',
      guards: 'a primary on the timeline of an earlier reign is stopped (I10)',
      original: 'if (basis !== null && position !== null && position.timeline <= basis.position.timeline) {',
      replacement: 'if (false) {',
    },
    {
      name: 'promoted_by_hand_while_serving',
      guards: 'a holder that somebody stopped and promoted by hand is stopped (I34)',
      original:
        'if (local.servingTerm === reign.term && position !== null && position.timeline > reign.timeline) {',
      replacement: 'if (false) {',
      needs: ['promote_by_hand'],
    },
    {
      name: 'timeline_is_learned_first',
      guards: 'nothing is acknowledged on a timeline that the group does not know (I10)',
      original: 'if (reign.history !== null && position !== null && position.timeline !== reign.timeline) {',
      replacement: 'if (false) {',
      needs: ['promote_by_hand'],
    },
    {
      name: 'steps_down_alone',
      guards: 'a primary that hears neither the store nor its voters stops looking writable (I14, I25)',
      original: 'if (mustStepDown(record, rule, local)) {',
      replacement: 'if (false) {',
    },
    {
      name: 'steps_down_only_without_store',
      guards: 'a primary that hears the store does not step down by itself (I27)',
      original: 'local.storeSilentMs >= detectionMs &&',
      replacement: 'local.storeSilentMs >= 0 &&',
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
      name: 'names_are_compared',
      guards: 'names that differ from the rule are brought into force (I2, I6)',
      original: 'if (inForce !== names) return true;',
      replacement: '',
    },
    {
      name: 'applied_in_this_term',
      guards: 'a rule that was applied in another term is applied again (I6)',
      original: 'appliedRule?.term === reign.term && appliedRule.change === record.ruleChanges;',
      replacement: 'appliedRule?.change === record.ruleChanges;',
    },
    {
      name: 'applied_for_this_change',
      guards: 'a rule that has come back is applied again (I6)',
      original: 'appliedRule?.term === reign.term && appliedRule.change === record.ruleChanges;',
      replacement: 'appliedRule?.term === reign.term;',
    },
    {
      name: 'marker_before_open',
      guards: 'clients are let in only when the marker is acknowledged (I13)',
      original: 'if (local.markerAcknowledged === reign.term) {',
      replacement: 'if (local.markerAcknowledged !== -1) {',
    },
    {
      name: 'open_in_this_term',
      guards: 'who served in an earlier term is not open in this one (I13)',
      original: 'const isOpen = local.servingTerm === reign.term;',
      replacement: 'const isOpen = local.servingTerm !== null;',
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
      name: 'read_only_until_open',
      guards: 'a new primary takes no writes of clients before its marker is acknowledged (I13)',
      original: 'readOnly: !isOpen,',
      replacement: 'readOnly: false,',
    },
    {
      name: 'locked_until_open',
      guards: 'a server that crashed shows nothing before its marker is acknowledged (I13)',
      original: 'locked: !isOpen && (local.configured?.locked ?? true),',
      replacement: 'locked: false,',
    },
    {
      name: 'unsatisfiable_names',
      guards: 'a standby that is promoted by hand acknowledges nothing (I34)',
      original: 'synchronousStandbyNames: UNSATISFIABLE_NAMES,\n    readOnly: true,',
      replacement: "synchronousStandbyNames: '',\n    readOnly: true,",
      needs: ['promote_by_hand'],
    },
    {
      name: 'standby_read_only',
      guards: 'a standby that is promoted by hand looks writable to nobody (I34)',
      original: 'synchronousStandbyNames: UNSATISFIABLE_NAMES,\n    readOnly: true,',
      replacement: 'synchronousStandbyNames: UNSATISFIABLE_NAMES,\n    readOnly: false,',
      needs: ['promote_by_hand'],
    },
  ]),
  ...inFile('src/core/application-name.ts', [
    {
      name: 'term_in_names',
      guards: 'a standby of a later term can not acknowledge for an earlier one (I2)',
      original: 'return `pgbaton_${tag.node}@${tag.term}`;',
      replacement: 'return `pgbaton_${tag.node}@0`;',
    },
    {
      name: 'k_names',
      guards: 'a commit waits for k voters (I1)',
      original: 'return `ANY ${k} (${',
      replacement: 'return `ANY 1 (${',
    },
  ]),
  ...inFile('src/core/be-standby.ts', [
    {
      name: 'unfinished_copy_of_the_past',
      guards: 'a copy that waits for WAL of a source that is no more is stopped (I27)',
      original: "if (status === 'starting' && local.copyOf !== null && local.copyOf !== reign.term) {",
      replacement: 'if (false) {',
    },
    {
      name: 'copy_only_from_the_promoted',
      guards: 'nobody copies a holder that is not promoted yet',
      original: 'return reign.history !== null;',
      replacement: 'return true;',
    },
    {
      name: 'old_primary_is_stopped',
      guards: 'a primary without the baton is stopped (I14)',
      original:
        "if (role === 'primary') return step({ kind: 'stop', mode: 'immediate' }, `${holder} holds the baton`);",
      replacement: '',
    },
    {
      name: 'copy_needs_its_source',
      guards: 'a copy that was never started gets the WAL that it needs from its source (I27)',
      original: 'if (copyOf === null) {',
      replacement: 'if (copyOf !== -1) {',
    },
    {
      name: 'copy_of_this_term',
      guards: 'an unfinished copy of an earlier holder is made anew (I9)',
      original: 'if (copyOf === reign.term) {',
      replacement: 'if (copyOf !== null) {',
    },
    {
      name: 'promise_keeps_from_following',
      guards: 'who has pledged a later term receives in no earlier one (I2, I7)',
      original: 'return (local.pledge?.term ?? 0) > reign.term;',
      replacement: 'return false;',
    },
    {
      name: 'twin_does_not_follow',
      guards: 'WAL of a twin of a reign does not follow that reign (I10)',
      original: '(isTwin(record, lineage, provenTerm) ||',
      replacement: '(false ||',
      needs: ['promote_by_hand'],
    },
    {
      name: 'markerless_does_not_follow',
      guards: 'WAL without the marker of a reign does not follow that reign (I10)',
      original: 'lacksMarker(record, lineage, replayLagBytes === 0 ? local.postgres.markerTerm : null)));',
      replacement: 'false));',
      needs: ['promote_by_hand'],
    },
    {
      name: 'continued_reign_waits',
      guards: 'who follows the holder onto a timeline that is not known yet is not taken for diverged',
      original: 'if (local.postgres.upstream?.term === reign.term && continuesReign(reign, lineage))',
      replacement: 'if (false)',
      needs: ['promote_by_hand'],
    },
    {
      name: 'slots_on_standbys',
      guards: 'every member keeps WAL for the others (I31)',
      original: 'if (!sameIds(others, local.slotsFor))',
      replacement: 'if (false)',
    },
  ]),
  ...inFile('src/core/change-reign.ts', [
    {
      name: 'promise_is_not_lowered',
      guards: 'who has pledged a later term pledges no earlier one (I7)',
      original: 'if (promised > intent.term) return',
      replacement: 'if (false) return',
    },
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
      name: 'copy_is_finished_first',
      guards: 'an unfinished copy gets the WAL that it needs before it pledges (I27)',
      original: 'if (local.copyOf !== null) return finishCopy',
      replacement: 'if (local.copyOf === -1) return finishCopy',
    },
    {
      name: 'clean_end',
      guards: 'the target of a handover waits for the last WAL of the old primary',
      original: 'if (waitsForCleanEnd(intent, local, position))',
      replacement: 'if (false)',
    },
    {
      name: 'pledge_again_with_all',
      guards: 'who fetches WAL pledges again only when it has all of it (I28)',
      original: 'if (comparePositions(position, fetch.upTo) >= 0) {',
      replacement: 'if (true) {',
    },
    {
      name: 'source_runs',
      guards: 'who has WAL that another one lacks is started to give it away (I27)',
      original: "if (status !== 'stopped' && status !== 'crashed') return rest(`its WAL is fetched",
      replacement: "if (status !== 'absent') return rest(`its WAL is fetched",
    },
    {
      name: 'hand_over_once',
      guards: 'who has handed over waits for the others',
      original: 'if ((local.pledge?.term ?? 0) >= intent.term)',
      replacement: 'if (false)',
    },
  ]),
  ...inFile('src/core/plan.ts', [
    {
      name: 'needed_in_maintenance',
      guards: 'a node in maintenance does its part as long as the group counts on it (I27)',
      original: 'me.maintenance && !isNeeded(record, me) &&',
      replacement: 'me.maintenance &&',
    },
    {
      name: 'old_primary_in_maintenance',
      guards: 'a primary that has lost the baton is stopped in maintenance too (I14)',
      original: "!isNeeded(record, me) && local.postgres.role !== 'primary';",
      replacement: '!isNeeded(record, me);',
    },
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
      name: 'voters_of_this_term_hold_it',
      guards: 'only voters of this term prove a rule (I6)',
      original: 'each.term === rule.term &&\n      rule',
      replacement: 'rule',
    },
    {
      name: 'voters_are_counted',
      guards: 'a primary notices that its voters have left (I14)',
      original: 'return streaming.length >= rule.k;',
      replacement: 'return true;',
    },
    {
      name: 'received_terms_are_proven',
      guards: 'who received from a reign is not taken for its twin',
      original: 'return Math.max(promotedTerm ?? 0, followedTerm);',
      replacement: 'return promotedTerm ?? 0;',
      needs: ['promote_by_hand'],
    },
  ]),
  ...inFile('src/core/membership-requests.ts', [
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
    {
      name: 'handover_by_a_confirmed_reign',
      guards: 'only a reign that is confirmed hands over',
      original: "if (holder?.postgres.role !== 'primary' || !reign.confirmed) {",
      replacement: "if (holder?.postgres.role !== 'primary') {",
    },
  ]),
];
