import { currentRule, type GroupRecord, type NodeId } from '../../src/core/group-record.ts';
import { hasPromotionQuorum } from '../../src/core/quorum.ts';
import { NODES } from './permutations.ts';
import { parseNames } from './renaming.ts';
import { keeperOf, serverOf, type State } from './state.ts';
import { breakRule } from './violation.ts';
import { contains, describeWal, promotionOf, type Wal } from './wal-tree.ts';

/** At a promotion: I1, I10 and I12. */
export function checkPromotion(state: State, node: NodeId, begun: Wal, term: number): void {
  const { isHalfMade, needed } = serverOf(state, node);
  if (isHalfMade || needed !== null)
    breakRule('I12 a half-made data directory never becomes the primary', `n${node}`);
  for (const other of NODES) {
    const twin = promotionOf(serverOf(state, other).wal, begun.timeline);
    if (twin !== null && twin !== begun)
      breakRule(
        'I10 a timeline number is given once',
        `n${node} begins timeline ${begun.timeline}, and n${twin.by} has begun it before`,
      );
  }
  // One that was elected and has not heard yet that its term is over acknowledges nothing.
  const isOver = (state.stored.value.reign?.term ?? 0) > term;
  if (!isOver && !contains(begun, state.frontier))
    breakRule(
      'I1 an acknowledged commit is in the history of every later primary',
      `n${node} is promoted in term ${term} with ${describeWal(begun)}, without ${describeWal(state.frontier)}`,
    );
}

/** At every swap: I4 and I16; and that an election needs what it says. */
export function checkSwap(before: GroupRecord, after: GroupRecord, rule: string): void {
  if (after.term < before.term || after.nextTimeline < before.nextTimeline)
    breakRule('I4 terms and timelines only grow', `${rule}: from term ${before.term} to ${after.term}`);
  if (before.reign !== null && after.reign !== null && after.reign.term < before.reign.term)
    breakRule('I4 terms and timelines only grow', `${rule}: reign ${after.reign.term}`);
  if (after.reign !== null && after.reign.term > after.term)
    breakRule('I4 nobody reigns in a term that was not named', `${rule}: reign ${after.reign.term}`);
  const isNewReign = before.reign?.term !== after.reign?.term;
  if (isNewReign && before.intent?.term !== after.reign?.term)
    breakRule('I4 nobody reigns in a term that was not named', `${rule}: reign ${after.reign?.term}`);
}

/** A member that comes into the cohort has nothing that the holder has not, and follows it (I9, I16). */
export function checkAdmission(state: State, before: GroupRecord): void {
  const { value: record } = state.stored;
  const { reign } = record;
  if (record === before || reign === null || record.reign?.term !== before.reign?.term) return;
  const old = currentRule(before)?.cohort ?? [];
  const joined = (currentRule(record)?.cohort ?? []).filter((node) => !old.includes(node));
  for (const node of joined) {
    const [own, holder] = [serverOf(state, node), serverOf(state, reign.holder)];
    if (own.isHalfMade || own.needed !== null || !contains(holder.wal, own.wal))
      breakRule(
        'I16 a voter is on the history of the reign',
        `n${node} with ${describeWal(own.wal)} joins, n${reign.holder} has ${describeWal(holder.wal)}`,
      );
  }
}

/** What can be seen in a state alone: I4, I6, I9, I13. */
export function checkState(state: State): void {
  for (const node of NODES) {
    const server = serverOf(state, node);
    if (server.up === 'primary') {
      checkQuorums(state, node);
      checkReaders(state, node);
    }
    const { pledge, promotedTerm } = keeperOf(state, node);
    const { term } = state.stored.value;
    if ((pledge?.term ?? 0) > term || (promotedTerm ?? 0) > term)
      breakRule('I4 nobody acts for a term that was not named', `n${node}`);
    const { receiver } = server;
    // Receiving for an earlier term than the one promised would break the promise.
    if (receiver !== null && pledge !== null && receiver.term < pledge.term)
      breakRule(
        'I2 who has promised a term receives for no earlier one',
        `n${node} has promised term ${pledge.term} and receives for term ${receiver.term}`,
      );
  }
}

/**
 * I6: whoever could acknowledge a commit with the names in force on the holder
 * shares a member with whoever could promote by the rules in the record. Who
 * has promised a later term is out: its name counts no more.
 */
function checkQuorums(state: State, node: NodeId): void {
  const { value: record } = state.stored;
  const { reign } = record;
  if (reign === null || reign.holder !== node || record.intent?.allowDataLoss === true) return;
  const names = parseNames(serverOf(state, node).settings.synchronousStandbyNames);
  if (names !== null && names.term !== reign.term) return;
  const voters = names?.voters ?? [];
  const k = names?.k ?? 0;
  // The most members that a commit can leave out: all but the holder and some k voters.
  for (const committers of subsets(voters, k)) {
    const others = NODES.filter((each) => each !== node && !committers.includes(each));
    if (record.rules.every((rule) => hasPromotionQuorum(rule, others)))
      breakRule(
        'I6 commit quorums and promotion quorums overlap',
        `a commit can stand on n${[node, ...committers].join(', n')} alone, and n${others.join(', n')} can elect without them`,
      );
  }
}

function subsets(nodes: readonly NodeId[], size: number): readonly (readonly NodeId[])[] {
  if (size === 0) return [[]];
  return nodes.flatMap((node, i) => subsets(nodes.slice(i + 1), size - 1).map((rest) => [node, ...rest]));
}

/** I13: nobody sees a primary's own rows before its marker is acknowledged. */
function checkReaders(state: State, node: NodeId): void {
  const { settings, wal, wasStarted } = serverOf(state, node);
  const isReadable = !settings.locked && (wasStarted || !settings.readOnly);
  if (!isReadable) return;
  const marker = lastMarker(wal);
  if (marker === null || !contains(state.frontier, marker))
    breakRule(
      'I13 nobody reads what is later rolled back',
      `n${node} lets clients in with ${describeWal(wal)}, acknowledged is ${describeWal(state.frontier)}`,
    );
}

function lastMarker(wal: Wal): Wal | null {
  let at: Wal | null = wal;
  while (at !== null && at.kind !== 'marker') at = at.parent;
  return at;
}
