import { inFile, type Mutant } from './mutant.ts';

/** The guards of groups whose commits wait for nobody: what keeps a second primary away, and what may be lost. */
export const LEASING: readonly Mutant[] = [
  ...inFile('src/core/lease.ts', [
    {
      name: 'needs_lease',
      guards: 'where no quorum fences, the primary has a lease (I3)',
      original: 'return record.rules.some(isAsyncRule) || isReadStrictly(record);',
      replacement: 'return isReadStrictly(record);',
    },
    {
      name: 'lease_is_over',
      guards: 'nobody is given up while his lease lasts in the store (I3)',
      original: 'return lease !== undefined && lease.term === null &&',
      replacement: 'return lease !== undefined &&',
    },
    {
      name: 'lag_is_limited',
      guards: 'nobody takes over by himself who lacks more than is allowed (I3)',
      original: 'return lack !== null && lack <= record.settings.maximumLagOnFailover;',
      replacement: 'return lack !== null;',
      among: ['cut_pair', 'lose_host'],
    },
    {
      name: 'lease_of_who_is_given_up',
      guards: 'who is given up is given no lease any more (I26)',
      original: 'return needsLease(record) && reign?.holder === node && reign.term === term && !isGivenUp;',
      replacement: 'return needsLease(record) && reign?.holder === node && reign.term === term;',
    },
    {
      name: 'no_loss_while_rules_change',
      guards: 'while the rule changes nobody is promoted who need not have every commit (I3, I6)',
      original: 'return rules.length === 1 && rules.every(isAsyncRule);',
      replacement: 'return rules.some(isAsyncRule);',
    },
  ]),
  ...inFile('src/core/be-primary.ts', [
    {
      name: 'confirmation_runs_out',
      guards:
        'who has confirmed by its WAL that the primary may go on is not promoted before that has run out (I3)',
      original: "if (reign.fencedBy === 'lease' && local.walStillMs < record.settings.leaseMs)",
      replacement: 'if (local.walStillMs < 0)',
      among: ['cut_pair', 'isolate_node'],
    },
  ]),
  ...inFile('src/keeper/node-state.ts', [
    {
      name: 'every_member_confirms',
      guards: 'every member has to confirm, since any of them may be promoted (I3)',
      original:
        'if (!cohortMembers(record).every((member) => member === holder || hasFlushed(member))) return;',
      replacement:
        'if (!cohortMembers(record).some((member) => member !== holder && hasFlushed(member))) return;',
      among: ['cut_pair'],
    },
  ]),
].map((mutant) => ({ ...mutant, durability: 'async' as const }));

/** Bugs of them. */
export const LEASING_FIXES: readonly Mutant[] = [
  ...inFile('sim/monitor-link.ts', [
    {
      name: 'a_late_answer_brings_no_older_lease',
      guards: 'a lease that was renewed does not end with the answer to an older report (I33)',
      original: 'const isHeard = isAwaited && !stored.isRefused;',
      replacement: 'const isHeard = !stored.isRefused;',
      among: ['reorder_messages', 'kill_keeper', 'crash_points', 'slow_network'],
    },
  ]),
  ...inFile('src/core/next-reign.ts', [
    {
      name: 'a_fence_outlasts_who_was_never_promoted',
      guards: 'what fences a lost primary is waited for also by the second who is elected in its place (I3)',
      original: 'if (reign?.fencedBy === undefined || reign.history !== null) return {};',
      replacement: 'return {};',
      among: ['cut_pair', 'stop_by_hand', 'failover'],
    },
  ]),
  ...inFile('sim/lease-ends.ts', [
    {
      name: 'no_fencer_acts_on_a_lease_that_is_not_needed',
      guards: 'a primary whose voters fence it again is not ended for want of a lease (I33)',
      original: "if (order.kind === 'release' || order.kind === 'guard') dueMs = undefined;",
      replacement: "if (order.kind === 'release') dueMs = undefined;",
      among: ['change_durability'],
    },
  ]),
].map((mutant) => ({ ...mutant, durability: 'async' as const }));
