import type { Rest, Step } from '../../src/core/action.ts';
import type { NodeId } from '../../src/core/group-record.ts';
import { plan } from '../../src/core/plan.ts';
import { isWaiting, takeStep } from './acting.ts';
import type { Decider } from './deciding.ts';
import {
  commitsOf,
  endsOfMaintenance,
  faultsOf,
  healed,
  requestsOf,
  spending,
  type Operation,
} from './faults.ts';
import { checkState } from './invariants.ts';
import type { Keeper, Parts, Server } from './parts.ts';
import { NODES } from './permutations.ts';
import { canTalk, copyOf, keeperOf, pack, serverOf, setKeeper, setServer, type State } from './state.ts';
import { canReceive, receive, settleStreams } from './streaming.ts';
import { later } from './time.ts';
import { localView } from './views.ts';
import { append, describeWal } from './wal-tree.ts';

/** One way on from a state. */
export interface Transition {
  readonly event: string;
  readonly state: State;
  readonly packed: Int32Array;
  /** It happens sooner or later by itself: no fault, and nobody's wish. */
  readonly isFair: boolean;
}

interface Collector {
  readonly found: readonly Transition[];
  readonly add: (event: string, isFair: boolean, go: () => readonly State[]) => boolean;
}

export interface Transitions {
  /** All ways on; throws a Violation when one breaks a rule. `onEvent` is told of each before it is tried. */
  from(state: State, onEvent?: (event: string) => void): readonly Transition[];
}

export function createTransitions(
  parts: Parts,
  decider: Decider,
  operations: readonly Operation[],
): Transitions {
  const plans = NODES.map(() => new Map<Keeper, Map<Server, Step | Rest>>());

  function planOf(state: State, node: NodeId): Step | Rest {
    const [server, keeper] = [serverOf(state, node), keeperOf(state, node)];
    let ofKeeper = plans[node - 1]!.get(keeper);
    if (ofKeeper === undefined) plans[node - 1]!.set(keeper, (ofKeeper = new Map()));
    let step = ofKeeper.get(server);
    if (step === undefined) {
      step = plan(keeper.record.value, localView(node, server, keeper));
      ofKeeper.set(server, step);
    }
    return step;
  }

  /** Collects the ways on from a state; says of each whether it leads anywhere else. */
  function collect(state: State, onEvent: (event: string) => void): Collector {
    const found: Transition[] = [];
    const present = pack(parts, state);
    return {
      found,
      add(event, isFair, go) {
        onEvent(event);
        let isMove = false;
        for (const next of go()) {
          settleStreams(next);
          checkState(next);
          const packed = pack(parts, next);
          if (packed.every((number, i) => number === present[i])) continue;
          isMove = true;
          found.push({ event, state: next, packed, isFair });
        }
        return isMove;
      },
    };
  }

  function from(state: State, onEvent: (event: string) => void = () => undefined): readonly Transition[] {
    const collector = collect(state, onEvent);
    const { add, found } = collector;
    const progress = NODES.map((node) => goOn(state, node, collector));
    if (state.around.cut !== null) add('the network is whole again', true, () => [healed(state)]);
    for (const { event, ask } of endsOfMaintenance(state))
      add(event, true, () => decider.request(state, ask));
    const isBusy = progress.includes('work');
    // Messages arrive within the detection time. Work may take longer, as often as the bounds say.
    if (!progress.includes('news') && (!isBusy || state.around.pauses > 0))
      passTime(isBusy ? spending(state, 'pauses') : state, isBusy, collector);

    for (const { event, state: next } of faultsOf(state)) add(event, false, () => [next]);
    for (const { event, state: next } of commitsOf(state, write)) add(event, false, () => [next]);
    for (const { event, ask } of requestsOf(state, operations))
      add(event, false, () => decider.request(spending(state, 'operations'), ask));
    return found;
  }

  /** What comes in or goes on at a node; `news`: a message is on its way, `work`: its keeper has something to do. */
  function goOn(state: State, node: NodeId, { add }: Collector): 'news' | 'work' | 'rest' {
    let isNews = false;
    const isUntold = mustReport(state, node);
    if (isUntold) isNews = add(`n${node} reports`, true, () => decider.hear(state, node));
    if (canReceive(state, node)) {
      const go = (): State => changed(state, (next) => receive(next, node));
      isNews = add(`n${node} receives WAL`, true, () => [go()]) || isNews;
    }
    if (!keeperOf(state, node).isAlive) {
      // It may be away for long: nobody has to wait for it.
      const start = (next: State): void => setKeeper(next, node, { isAlive: true });
      add(`the keeper of n${node} starts`, true, () => [changed(state, start)]);
      return isNews ? 'news' : 'rest';
    }
    // Evidence is late by one report at most: a keeper goes on when what it did last is known.
    if (isUntold) return isNews ? 'news' : 'rest';
    if (mustAdopt(state, node)) isNews = readRecord(state, node, add) || isNews;
    const isWork = act(state, node, add);
    return isNews ? 'news' : isWork ? 'work' : 'rest';
  }

  /** A keeper that has a new record goes by it at once. */
  function readRecord(state: State, node: NodeId, add: Collector['add']): boolean {
    const read = adopt(state, node);
    // The one of equal contents: what was planned for it is remembered.
    read.keepers[node - 1] = parts.keepers.intern(keeperOf(read, node)).value;
    const { action, because } = planOf(read, node);
    const what = action === null ? '' : ` and does the first of ${action.kind} (${because})`;
    return add(`n${node} reads the record${what}`, true, () =>
      action === null ? [read] : takeStep(read, node, action, 0),
    );
  }

  function act(state: State, node: NodeId, add: Collector['add']): boolean {
    const { doing, hasHeard, isStoreSilent } = keeperOf(state, node);
    if (doing !== null) {
      if (isWaiting(state, node)) return false;
      const event = `n${node} goes on: ${doing.action.kind}, step ${doing.step + 1}`;
      return add(event, true, () => takeStep(state, node, doing.action, doing.step));
    }
    if (!hasHeard && !isStoreSilent) return false;
    const { action, because } = planOf(state, node);
    if (action === null) return false;
    return add(`n${node}: ${action.kind} (${because})`, true, () => takeStep(state, node, action, 0));
  }

  function passTime(state: State, isBusy: boolean, { add }: Collector): void {
    const isMove = add('time passes, more than the detection time', !isBusy, () =>
      decider.settle(later(state, 1)),
    );
    if (!isMove && !isBusy) add('much time passes', true, () => decider.settle(later(state, 2)));
  }

  function mustReport(state: State, node: NodeId): boolean {
    if (!keeperOf(state, node).isAlive || !canTalk(state, 0, node)) return false;
    if (state.stored.value.nodes.every(({ id }) => id !== node)) return false;
    return decider.hasNews(state, node);
  }

  return { from };
}

function changed(state: State, change: (next: State) => void): State {
  const next = copyOf(state);
  change(next);
  return next;
}

function write(state: State, node: NodeId, value: number): void {
  setServer(state, node, { wal: append(serverOf(state, node).wal, 'commit', value) });
}

function mustAdopt(state: State, node: NodeId): boolean {
  const { isAlive, doing, record, hasHeard, isStoreSilent } = keeperOf(state, node);
  if (!isAlive || doing !== null || !canTalk(state, 0, node)) return false;
  return record.id !== state.stored.id || !hasHeard || isStoreSilent;
}

function adopt(state: State, node: NodeId): State {
  const keeper = keeperOf(state, node);
  const [before, after] = [keeper.record.value, state.stored.value];
  const isSameStage =
    before.intent?.term === after.intent?.term && before.intent?.stage === after.intent?.stage;
  const isSameReign = before.reign?.term === after.reign?.term;
  const { pledge, appliedRule } = keeper;
  return changed(state, (next) =>
    setKeeper(next, node, {
      // A promise to a term that has been reached binds no more.
      pledge: pledge !== null && pledge.term <= (after.reign?.term ?? 0) ? null : pledge,
      appliedRule: after.rules.length < 2 ? null : appliedRule,
      record: state.stored,
      hasHeard: true,
      isStoreSilent: false,
      isIntentOld: isSameStage && keeper.isIntentOld,
      isQuorumSilent: isSameReign && keeper.isQuorumSilent,
    }),
  );
}

/** Whole again: everybody follows one open primary, has all it has, and knows it. */
export function isHealthy(state: State): boolean {
  const { reign, intent, rules, nodes } = state.stored.value;
  if (
    reign === null ||
    intent !== null ||
    rules.length !== 1 ||
    !reign.confirmed ||
    state.around.cut !== null
  )
    return false;
  const holder = serverOf(state, reign.holder);
  if (holder.up !== 'primary' || holder.settings.readOnly || holder.settings.locked) return false;
  if (keeperOf(state, reign.holder).servingTerm !== reign.term) return false;
  return nodes.every(({ id, maintenance }) => {
    const [server, keeper] = [serverOf(state, id), keeperOf(state, id)];
    if (!keeper.isAlive || keeper.record.id !== state.stored.id || maintenance) return false;
    if (id === reign.holder) return true;
    const { receiver, wal, up } = server;
    return (
      up === 'standby' &&
      receiver?.node === reign.holder &&
      receiver.term === reign.term &&
      wal === holder.wal &&
      rules[0]!.cohort.includes(id)
    );
  });
}

/** A state in a few lines, for traces. */
export function describeState(state: State): readonly string[] {
  const { reign, intent, rules, term } = state.stored.value;
  const rule = rules.map(({ cohort, k }) => `k=${k} of ${cohort.join()}`).join(' and ');
  return [
    `record: term ${term}, n${reign?.holder} reigns in ${reign?.term} (timeline ${reign?.timeline}, ${reign?.confirmed ? 'confirmed' : 'not confirmed'}), ${rule}, intent ${intent === null ? 'none' : `${intent.kind} ${intent.term} ${intent.stage}`}`,
    ...NODES.map((node) => {
      const { up, wal, receiver, settings, isClean } = serverOf(state, node);
      const { isAlive, pledge, promotedTerm, servingTerm, doing } = keeperOf(state, node);
      const from = receiver === null ? '' : `, receives from n${receiver.node}@${receiver.term}`;
      return `n${node}: ${up}${up === 'down' ? (isClean ? ' (clean)' : ' (crashed)') : ''}${from}, ${describeWal(wal)}; pledge ${pledge?.term ?? '-'}, promoted ${promotedTerm ?? '-'}, serving ${servingTerm ?? '-'}${settings.locked ? ', locked' : ''}${settings.readOnly ? ', read-only' : ''}${isAlive ? '' : ', keeper dead'}${doing === null ? '' : `, doing ${doing.action.kind} ${doing.step}`}`;
    }),
  ];
}
