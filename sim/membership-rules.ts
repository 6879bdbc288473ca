import {
  currentRule,
  findNode,
  type GroupRecord,
  type NodeId,
  type Reign,
} from '../src/core/group-record.ts';
import { lagBytes } from '../src/core/lsn.ts';
import { effectiveNumberSync } from '../src/core/quorum.ts';
import { heard, type Decided, type Offence } from './decided.ts';
import type { World } from './world.ts';

export function changesRule(decided: Decided, reign: Reign): Offence | undefined {
  const { before, decision } = decided;
  if (before.intent !== null) return ['I17 no rule changes in a change of reign', before.intent.because];
  const holder = heard(decided, reign.holder);
  if (holder?.postgres.role !== 'primary' || holder.promotedTerm !== reign.term)
    return ['I17 no rule changes in a change of reign', `n${reign.holder} is not the primary of its term`];
  const joining = currentRule(decision.next)?.cohort.filter(
    (node) => !currentRule(before)?.cohort.includes(node),
  );
  for (const node of joining ?? []) {
    const offence = (text: string): Offence => [
      'I16 a voter streams on the history of the reign',
      `n${node} ${text}`,
    ];
    const follower = holder.postgres.followers.find((each) => each.node === node && each.term === reign.term);
    if (follower?.state !== 'streaming') return offence(`does not stream in term ${reign.term}`);
    const lag =
      follower.flushLsn === null
        ? Infinity
        : lagBytes(holder.postgres.position?.lsn ?? '0/0', follower.flushLsn);
    if (lag > before.settings.admissionLagBytes) return offence(`is ${lag} bytes behind`);
    const timeline = heard(decided, node)?.postgres.position?.timeline;
    const ways = [reign.timeline, ...(reign.history ?? []).map((each) => each.timeline)];
    if (timeline === undefined || !ways.includes(timeline)) return offence(`is on timeline ${timeline}`);
  }
  return copiesFall(decided);
}

/** Fewer copies than before, and fewer than were asked for, though no person took the voters away. */
export function copiesFall({ before, decision }: Decided): Offence | undefined {
  const [was, is] = [currentRule(before), currentRule(decision.next)];
  const asked = effectiveNumberSync(decision.next);
  if (was === undefined || is === undefined || is.k >= Math.min(was.k, asked)) return undefined;
  return is.k < Math.min(asked, mayVote(decision.next, was.cohort).length)
    ? ['I15 copies are lowered only when that is allowed', `${is.k + 1} copies, ${asked + 1} were asked for`]
    : undefined;
}

/** The standbys of a cohort that people let vote. */
function mayVote(record: GroupRecord, cohort: readonly NodeId[]): readonly NodeId[] {
  return cohort.filter((node) => node !== record.reign?.holder && isWelcome(record, node));
}

function isWelcome(record: GroupRecord, node: NodeId): boolean {
  const entry = findNode(record, node);
  return entry?.replicationQuorum === true && !entry.maintenance && entry.dropping === 'no';
}

/** How many standbys vote for one of the members that stay, whoever of them is the primary then. */
function standbysLeft(record: GroupRecord, cohort: readonly NodeId[]): number {
  return Math.max(0, cohort.filter((node) => isWelcome(record, node)).length - 1);
}

export function removes({ before, decision }: Decided): Offence | undefined {
  const gone = before.nodes.find(({ id }) => findNode(decision.next, id) === undefined);
  return before.rules.some(({ cohort }) => gone !== undefined && cohort.includes(gone.id))
    ? ['I6 who counts is not forgotten', `n${gone?.id} is a member`]
    : undefined;
}

/** What people ask for takes no voter away that commits have to stand on, and disturbs no change of reign. */
export function checkRequest(world: World, before: GroupRecord, next: GroupRecord): void {
  if (before.intent !== null && next.reign !== null && next.intent?.term !== before.intent.term)
    world.checkers.fail('I17 one change of reign at a time', before.intent.because);
  const cohort = currentRule(before)?.cohort ?? [];
  const [was, is] = [standbysLeft(before, cohort), standbysLeft(next, cohort)];
  const asked = effectiveNumberSync(next);
  if (is >= was || is >= asked || next.reign === null) return;
  world.checkers.fail(
    'I15 copies are lowered only when that is allowed',
    `a request leaves ${is} voters, and commits have to stand on ${asked}`,
  );
}
