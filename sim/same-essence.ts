import { isAnswering } from '../src/core/absence.ts';
import type { reportOfState } from '../src/keeper/node-state.ts';

/** A report without its number. */
export type Content = ReturnType<typeof reportOfState>;

/** As in the keeper: whether two reports differ in what is worth sending at once. */
export function isSameEssence(a: Content, b: Content | undefined): boolean {
  if (b === undefined) return false;
  const [own, other] = [a.postgres, b.postgres];
  return (
    a.pledge === b.pledge &&
    a.promotedTerm === b.promotedTerm &&
    a.servingTerm === b.servingTerm &&
    a.restartsUsed === b.restartsUsed &&
    a.confirmedRule?.term === b.confirmedRule?.term &&
    a.confirmedRule?.change === b.confirmedRule?.change &&
    own.status === other.status &&
    own.role === other.role &&
    own.markerTerm === other.markerTerm &&
    own.position?.timeline === other.position?.timeline &&
    own.upstream?.term === other.upstream?.term &&
    own.upstream?.host === other.upstream?.host &&
    own.followers.length === other.followers.length &&
    own.followers.every((follower, index) => {
      const { node, term, state, syncPriority, silentMs } = other.followers[index]!;
      return (
        follower.node === node &&
        follower.term === term &&
        follower.state === state &&
        follower.syncPriority === syncPriority &&
        isAnswering(follower) === isAnswering({ silentMs })
      );
    })
  );
}
