import { synchronousStandbyNames } from '../src/core/application-name.ts';
import { findNode, type GroupRecord } from '../src/core/group-record.ts';
import { comparePositions } from '../src/core/lineage.ts';
import { votersOf } from '../src/core/quorum.ts';
import { UNSATISFIABLE_NAMES } from '../src/core/server-settings.ts';
import type { SimulatedGroup } from './group.ts';
import { endOfWal, walOfGroup } from './observation.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';
import { sharesHistory } from './wal.ts';

/** What must hold of every decision, checked against what really is on the disks and not against reports. */
export function checkSwap(group: SimulatedGroup, before: GroupRecord, next: GroupRecord): void {
  checkOrder(group, before, next);
  if (next.reign !== null && next.reign.term !== before.reign?.term) checkReign(group, before, next);
  if (next.rules !== before.rules) checkRules(group, before, next);
}

function checkOrder({ world }: SimulatedGroup, before: GroupRecord, next: GroupRecord): void {
  const isTermLess = next.term < before.term || (next.reign?.term ?? 0) < (before.reign?.term ?? 0);
  const isTimelineLess = next.nextTimeline < before.nextTimeline;
  if (isTermLess || isTimelineLess) {
    const text = `term ${before.term} to ${next.term}, timeline ${before.nextTimeline} to ${next.nextTimeline}`;
    world.checkers.fail('I4 terms and timelines only grow', text);
  }
}

/** A promotion stands on durable promises of enough members, and none of them has received anything since. */
function checkReign(group: SimulatedGroup, before: GroupRecord, next: GroupRecord): void {
  const { world, keepers } = group;
  const { reign } = next;
  const { intent } = before;
  if (reign === null || intent === null) return;
  if (before.reign !== null && reign.timeline <= before.reign.timeline)
    world.checkers.fail('I4 terms and timelines only grow', `timeline ${reign.timeline} again`);
  const pledged = before.nodes.filter(({ id }) => keepers.get(id)?.durable.pledge?.term === reign.term);
  const ids = pledged.map(({ id }) => id);
  const isProven =
    ids.includes(intent.from) ||
    before.rules.every(
      ({ cohort, k }) => cohort.filter((id) => ids.includes(id)).length >= cohort.length - k,
    );
  const restsOnLease = reign.fencedBy === 'lease' && waitsForNobody(before);
  // Who has promised has let go of its lease; it may have been elected to wait for the end of another.
  if (restsOnLease && !ids.includes(intent.from)) checkLoss(group, next);
  if (!isProven && !intent.allowDataLoss && !restsOnLease) {
    const text = `term ${reign.term} begins with the promises of ${ids.join(', ')} on disk, under ${JSON.stringify(before.rules)}`;
    world.checkers.fail('I6 a promotion satisfies every rule', text);
  }
  for (const id of ids) {
    const pledge = keepers.get(id)?.durable.pledge;
    const data = world.servers.get(id)?.data;
    if (id === reign.holder && data != null && data.systemIdentifier !== before.systemIdentifier)
      world.checkers.fail('I11 a server with another system identifier takes no part', `n${id} is elected`);
    // What was fetched for the very term that was promised is no breach.
    const isFetching = id === intent.fetch?.candidate || world.servers.get(id)?.receivedTerm === reign.term;
    if (pledge == null || data == null || isFetching) continue;
    const { position } = endOfWal(data);
    if (position.timeline === pledge.position.timeline && comparePositions(position, pledge.position) > 0) {
      const text = `n${id} promised ${pledge.position.lsn} for term ${reign.term} and is at ${position.lsn}`;
      world.checkers.fail('I8 the position in a pledge does not grow', text);
    }
  }
}

/** Every commit so far stood on the holder alone. While the rule changes nobody can say that. */
export function waitsForNobody({ rules }: GroupRecord): boolean {
  return rules.length === 1 && rules.every(({ cohort, k }) => k === 0 && cohort.length > 1);
}

/** An async group goes on without its primary only when the lease has ended, and loses no more of what was known than it may. */
function checkLoss({ world, home }: SimulatedGroup, { reign, settings }: GroupRecord): void {
  const present = home.store.leaseTerm(home.process.timeMs());
  if (present !== null)
    world.checkers.fail('I3 a reign begins without a pledge when the lease has ended', `term ${present}`);
  const lost = reign?.mayLackBytes ?? Infinity;
  if (lost > settings.maximumLagOnFailover)
    world.checkers.fail('I3 no more is lost than is allowed', `${lost} bytes`);
  world.count(lost > 0 ? 'went on without WAL that was known of' : 'went on without the old primary');
}

function checkRules(group: SimulatedGroup, before: GroupRecord, next: GroupRecord): void {
  const { world } = group;
  if (before.intent !== null && next.intent?.term === before.intent.term)
    world.checkers.fail('I17 no change of the rule during a change of reign', JSON.stringify(next.rules));
  const added = next.rules.length > before.rules.length ? next.rules.at(-1) : undefined;
  const holder = next.reign?.holder;
  if (added === undefined || holder === undefined || group.promotedByHand) return;
  const joined = added.cohort.filter((id) => !before.rules.some(({ cohort }) => cohort.includes(id)));
  for (const id of joined) {
    const [wal, source] = [id, holder].map((node) => walOfGroup(world, next, node));
    if (wal === undefined || source === undefined || sharesHistory(wal, source)) continue;
    if (findNode(next, id) !== undefined)
      world.checkers.fail('I16 a voter is on the history of the reign', `n${id} votes and has diverged`);
  }
}

/** Whoever runs as a primary has the data of this group, and all of them; what a person promotes is that person's. */
export function checkData({ world, home }: SimulatedGroup, server: VirtualPostgres): void {
  const { systemIdentifier } = home.store.stored.record;
  const { data, hasSentinel, node } = server;
  if (server.role !== 'primary' || data === null || data.wal.at(-1)?.timeline.isByHand === true) return;
  if (systemIdentifier !== null && data.systemIdentifier !== systemIdentifier) {
    const text = `n${node} is a primary of system ${data.systemIdentifier}`;
    world.checkers.fail('I11 a server with another system identifier takes no part', text);
  }
  if (hasSentinel || data.needed > data.flushed)
    world.checkers.fail('I12 an empty or half-made directory never becomes the primary', `n${node}`);
}

/** The values of synchronous_standby_names that the group has decided on so far. */
export function noteNames(names: Set<string>, { reign, rules }: GroupRecord): void {
  if (reign === null) return;
  for (const rule of rules)
    names.add(synchronousStandbyNames(votersOf(rule, reign.holder), rule.k, reign.term));
}

/** Nothing local lowers the number of copies: what a primary waits for was decided first. */
export function checkNames({ world, decidedNames }: SimulatedGroup, server: VirtualPostgres): void {
  const text = server.names?.text ?? '';
  if (text === UNSATISFIABLE_NAMES || decidedNames.has(text)) return;
  world.checkers.fail('I15 copies are lowered only by a decision', `n${server.node} waits for "${text}"`);
}
