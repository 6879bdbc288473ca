import { inFile, type Mutant } from './mutant.ts';

/** The guards of quorums, elections and of the rule: what `decide` may write into the record. */
export const DECIDING: readonly Mutant[] = [
  ...inFile('src/core/quorum.ts', [
    {
      name: 'pledges_needed',
      guards: 'a promotion takes N - k pledges, so that they share a member with every commit (I1)',
      original: 'return rule.cohort.length - rule.k;',
      replacement: 'return rule.cohort.length - rule.k - 1;',
    },
    {
      name: 'old_rule_counts_too',
      guards: 'while the rule changes, a promotion satisfies the old one and the new one (I6)',
      original: 'record.rules.every((rule) => hasPromotionQuorum(rule, pledged))',
      replacement: 'record.rules.slice(-1).every((rule) => hasPromotionQuorum(rule, pledged))',
    },
  ]),
  ...inFile('src/core/election.ts', [
    {
      name: 'pledge_of_this_term',
      guards: 'a pledge counts for its own term only (I8)',
      original: 'return report?.pledge?.term === term ?',
      replacement: 'return report?.pledge != null ?',
    },
    {
      name: 'election_needs_quorum',
      guards: 'nobody is elected before enough members have pledged (I1)',
      original: '[others, pledged] : [pledged]).filter(suffices);',
      replacement: '[others, pledged] : [pledged]).filter((set) => set.length > 0);',
    },
    {
      name: 'loss_is_accepted_by_people',
      guards: 'only a person can accept that commits are lost (I1)',
      original: 'intent.allowDataLoss && evidence.intentAgeMs >= TARGET_MS',
      replacement: 'evidence.intentAgeMs >= TARGET_MS',
    },
    {
      name: 'fetch_before_reign',
      guards: 'who is preferred and lacks WAL fetches it before it is promoted (I1)',
      original: 'if (compareKnown(winner, source) >= 0) {',
      replacement: 'if (winner !== undefined) {',
    },
    {
      name: 'leaving_member_stays',
      guards: 'where only members can be elected that were to leave, one of them stays (I26)',
      original: 'const isUrgent = evidence.intentAgeMs >= TARGET_MS;',
      replacement: 'const isUrgent = false;',
      needs: ['promote_by_hand'],
    },
    {
      name: 'known_part_only',
      guards: 'what the reigns do not account for does not count as progress (I1)',
      original: 'const known = knownPart(record, pledge) ?? NOTHING;',
      replacement: 'const known = pledge;',
      needs: ['promote_by_hand'],
    },
    {
      name: 'foreign_may_prove_more',
      guards: 'commits that only a node promoted by hand still has are not forgotten (I1)',
      original: 'best === undefined || compareKnown(best, source) > 0) {',
      replacement: 'best === undefined) {',
      needs: ['promote_by_hand'],
    },
    {
      name: 'policy_of_candidates',
      guards: 'priority 0, maintenance and leaving keep a node from being elected',
      original: 'mayStand(record, each.node) &&',
      replacement: '',
    },
    {
      name: 'latecomers',
      guards: 'who is alive gets the time to pledge',
      original: 'if (late !== undefined) return wait(',
      replacement: 'if (late !== late) return wait(',
    },
  ]),
  ...inFile('src/core/liveness.ts', [
    {
      name: 'silence_of_a_new_decider',
      guards: 'a decider that has just begun accuses nobody of silence before it has listened (I32)',
      original: 'if (silentMs < detectionMs) return',
      replacement: 'if (silentMs < 0) return',
    },
    {
      name: 'lagging_decider',
      guards: 'a decider that lags accuses nobody (I32)',
      original: 'if (evidence.deciderLagMs > record.settings.detectionMs / 2) {',
      replacement: 'if (false) {',
    },
    {
      name: 'slow_is_not_hung',
      guards:
        'a primary that leaves its keeper without an answer has more time while something streams from it (I32)',
      original: 'if (doubtful !== undefined) return doubtful;',
      replacement: 'if (false) return doubtful;',
    },
    {
      name: 'who_still_receives',
      guards: 'a standby that still receives proves that the primary lives',
      original: 'if (witness !== undefined) {',
      replacement: 'if (false) {',
    },
    {
      name: 'cut_off_only_while_serving',
      guards: 'a holder that recovers from a crash is not cut off (I27)',
      original: ' || live.servingTerm !== reign.term || !isCutOff',
      replacement: ' || !isCutOff',
    },
    {
      name: 'cut_off_only_with_voters_here',
      guards: 'voters that are away themselves do not prove that the primary is cut off (I27)',
      original: 'report?.postgres.upstream === null && isAway',
      replacement: 'isAway',
    },
    {
      name: 'priority_zero',
      guards: 'a node with candidate priority 0 is never promoted',
      original: "entry.dropping === 'no' && entry.candidatePriority > 0;",
      replacement: "entry.dropping === 'no';",
    },
    {
      name: 'maintenance_is_not_elected',
      guards: 'a node in maintenance or on its way out is not promoted',
      original: "entry !== undefined && !entry.maintenance && entry.dropping === 'no' &&",
      replacement: 'entry !== undefined &&',
    },
  ]),
  ...inFile('src/core/membership.ts', [
    {
      name: 'voter_streams',
      guards: 'a voter streams before any commit stands on it (I16)',
      original: "if (follower?.state !== 'streaming' || follower.flushLsn === null) return false;",
      replacement: 'if (follower?.flushLsn == null) return false;',
    },
    {
      name: 'voter_of_this_term',
      guards: 'a voter streams in the present term (I16, I2)',
      original: 'each.node === node.id && each.term === reign.term);',
      replacement: 'each.node === node.id);',
    },
    {
      name: 'voter_has_caught_up',
      guards: "a voter is close to the primary's end of WAL (I16)",
      original: '<= settings.admissionLagBytes;',
      replacement: '>= 0;',
    },
    {
      name: 'absence_costs_no_copies',
      guards: 'an absence never takes the copies of a commit below what was asked for (I15)',
      original: 'const keepsCopies = left.length >= least;',
      replacement: 'const keepsCopies = true;',
    },
    {
      name: 'alone_only_when_allowed',
      guards: 'a primary goes on alone only under number_sync_standbys = 0 (I15)',
      original: 'if (numberSync === 0 && voters.length > 0 &&',
      replacement: 'if (voters.length > 0 &&',
    },
    {
      name: 'alone_only_when_all_are_away',
      guards: 'a primary goes on alone only when all its voters have been away for the detection time (I28)',
      original: 'voters.every((node) => isAway(record, evidence, node))) {',
      replacement: 'voters.every(() => true)) {',
    },
  ]),
  ...inFile('src/core/next-reign.ts', [
    {
      name: 'cohort_outlives_reigns',
      guards: 'cohort and k stay the same through a change of reign (I1)',
      original: 'return rules === record.rules ? record : withRules(record, rules);',
      replacement: 'return withRules(record, [ruleFor(reign.holder, others, effectiveNumberSync(record))]);',
    },
    {
      name: 'holder_under_a_rule_of_its_own',
      guards: 'who reigns is a member of the rule that it works towards (I6)',
      original: 'record.rules.findLast(({ cohort }) => cohort.includes(reign.holder)) ?? currentRule(record)',
      replacement: 'currentRule(record)',
    },
    {
      name: 'new_reign_alone_only_when_allowed',
      guards: 'a new primary goes on alone only under number_sync_standbys = 0 (I15)',
      original: 'others.length === 0 && effectiveNumberSync(record) === 0 &&',
      replacement: 'others.length === 0 &&',
    },
    {
      name: 'alone_only_when_proven',
      guards: 'a cohort is cut down at once only where a loss was accepted (I1)',
      original: 'if (!proven) return',
      replacement: 'if (proven) return',
    },
    {
      name: 'timelines_are_not_given_twice',
      guards: 'a timeline that was given to a reign is not given to another (I10)',
      original: 'const timeline = Math.max(record.nextTimeline, ...seen.map(reignTimelineAfter));',
      replacement: 'const timeline = Math.max(...seen.map(reignTimelineAfter));',
    },
    {
      name: 'timelines_begun_by_hand',
      guards: 'a timeline that somebody began by hand is not given to a reign (I10)',
      original: 'const timeline = Math.max(record.nextTimeline, ...seen.map(reignTimelineAfter));',
      replacement: 'const timeline = record.nextTimeline;',
      needs: ['promote_by_hand'],
    },
    {
      name: 'timelines_in_pledges',
      guards: 'also a timeline that only a pledge tells of is not given to a reign (I10)',
      original: 'report.pledge?.position.timeline ?? 0,',
      replacement: '',
      needs: ['promote_by_hand'],
    },
    {
      name: 'next_timeline_is_kept',
      guards: 'the record counts the timelines that it has given out (I10)',
      original: 'nextTimeline: reignTimelineAfter(timeline),',
      replacement: 'nextTimeline: record.nextTimeline,',
    },
  ]),
  ...inFile('src/core/decide.ts', [
    {
      name: 'fetched_all',
      guards: 'a fetch is over only when nothing is missing (I1, I27)',
      original: "return candidate !== undefined && elect(record, intent, evidence).kind === 'elected';",
      replacement: 'return candidate !== undefined;',
    },
    {
      name: 'learn_only_what_is_new',
      guards: 'what is known of a promotion is not written again (I28)',
      original: 'if (isOlder || isKnown) return undefined;',
      replacement: 'if (isOlder) return undefined;',
    },
    {
      name: 'confirm_only_what_serves',
      guards: 'a reign is confirmed only when its marker is acknowledged (I13)',
      original:
        'if (liveReport(record, evidence, reign.holder)?.servingTerm !== reign.term) return undefined;',
      replacement: '',
    },
    {
      name: 'drain_ends_with_a_pledge',
      guards: 'a handover goes on only when the old primary has shut down and pledged',
      original: 'if (pledge?.term !== intent.term) return undefined;',
      replacement: 'if (pledge == null) return undefined;',
    },
    {
      name: 'undone_handover_leaves_nothing',
      guards: 'with an undone handover ends what it was to make room for (I27)',
      original: "node.id === intent.from ? { ...node, maintenance: false, dropping: 'no' as const } : node,",
      replacement: 'node,',
    },
    {
      name: 'undo_handover',
      guards: 'a handover that can not be done is undone (I27)',
      original: 'if (!tooLate && !targetGone) return undefined;',
      replacement: 'if (tooLate || !tooLate) return undefined;',
    },
    {
      name: 'give_up_fetch',
      guards: 'a fetch that can not be done is given up (I27)',
      original:
        'if (gone === undefined && !isInVain && evidence.intentAgeMs < record.settings.handoverMs) return undefined;',
      replacement: 'if (evidence.intentAgeMs >= 0) return undefined;',
      needs: ['lose_disk'],
    },
    {
      name: 'fetch_outlives_a_restart',
      guards: 'a fetch is not given up because a new decider has not heard of it yet (I32)',
      original: '=== undefined && !isAwaited(record, evidence, node),',
      replacement: '=== undefined,',
    },
    {
      name: 'doubt_is_no_death',
      guards: 'a holder that may be alive is not given up',
      original: "if (condition.kind === 'alive' || condition.kind === 'doubtful') return undefined;",
      replacement: "if (condition.kind === 'alive') return undefined;",
    },
    {
      name: 'crash_budget',
      guards: 'after a few failovers crashes are restarted in place',
      original: "return onCrash === 'restart' || evidence.recentCrashFailovers >= crashFailovers;",
      replacement: "return onCrash === 'restart';",
    },
    {
      name: 'elections_that_can_end',
      guards: 'a holder is given up only when the others could elect somebody',
      original: 'if (!couldElect(record, evidence, { down: isGone })) return undefined;',
      replacement: '',
    },
    {
      name: 'one_permission_at_a_time',
      guards: 'a permission to restart that was not used is still good (I28)',
      original: 'report.promotedTerm !== reign.term || report.restartsUsed < reign.restarts)',
      replacement: 'report.promotedTerm !== reign.term)',
    },
    {
      name: 'rule_confirmed_for_this_change',
      guards: 'what was proven before the rule had gone and come back proves nothing (I6)',
      original:
        'if (confirmed?.term !== reign.term || confirmed.change !== record.ruleChanges) return undefined;',
      replacement: 'if (confirmed?.term !== reign.term) return undefined;',
    },
    {
      name: 'rule_confirmed_at_all',
      guards: 'the old rule counts until the new one is proven to be in force (I6)',
      original:
        'if (confirmed?.term !== reign.term || confirmed.change !== record.ruleChanges) return undefined;',
      replacement: '',
    },
    {
      name: 'joint_rules',
      guards: 'a new rule comes beside the old one (I6)',
      original: 'withRules(record, [...record.rules, wanted.rule])',
      replacement: 'withRules(record, [wanted.rule])',
    },
    {
      name: 'no_rule_change_in_an_election',
      guards: 'the rule does not change during a change of reign (I17)',
      original: 'if (reign === null || intent !== null || reign.history === null) return undefined;',
      replacement: 'if (reign === null || reign.history === null) return undefined;',
    },
    {
      name: 'rule_change_by_this_primary',
      guards: 'the rule changes only while the holder is the primary of its term (I17)',
      original:
        "if (holder?.promotedTerm !== reign.term || holder.postgres.role !== 'primary') return undefined;",
      replacement: '',
    },
    {
      name: 'members_are_not_removed',
      guards: 'a dropped node goes only when nothing counts on it any more (I1)',
      original: ' || members.includes(node.id)) return false;',
      replacement: ' || members.length === 0) return false;',
    },
  ]),
];
