import type { ConnectedKeeper } from './home.ts';
import type { VirtualProcess } from './process.ts';
import type { StorePort, Swap } from './store-port.ts';
import { MONITOR } from './virtual-network.ts';
import type { StoredRecord, SwapOutcome, Unanswered, VirtualStore } from './virtual-store.ts';
import type { World } from './world.ts';

/** The store's own end. It calls back when it has done something, or never. */
export interface StoreEnd {
  readonly process: VirtualProcess;
  readonly store: VirtualStore;
  readonly swap: (swap: Swap, then: (outcome: SwapOutcome) => void) => void;
}

/** The store across the network: what it has done and what the asker hears of it are two things. */
export interface RemoteStore extends StorePort {
  /** A sign of life, and the record; asked for often. */
  look(then: (answer: StoredRecord | Unanswered) => void): void;
  /** Takes a lease on exactly this version of the record, or renews that of the same term. */
  keepLease(
    wanted: { readonly term: number; readonly leaseMs: number; readonly expected: number },
    then: (answer: { readonly isHeld: boolean } | Unanswered) => void,
  ): void;
}

/** As in src/deciding/record-cell.ts, src/deciding/record-follower.ts and src/deciding/baton-lease.ts. */
const CALL_MS = 5_000;
const LOOK_MS = 2_000;
const LEASE_MS = 2_000;
const RECONNECT_MS = 100;
/** Who gets no answer looks at its next tick what there is to do, ms. */
const UNANSWERED: Unanswered = { kind: 'unanswered', afterMs: 50 };

export function openRemoteStore(
  { clock, network }: World,
  { node, process }: ConnectedKeeper,
  { process: server, store, swap }: StoreEnd,
): RemoteStore {
  const { life } = process;
  let isConnected = true;

  /** Where nothing has come back in time a new connection is made first, which takes both directions. */
  function connected(isOver: () => boolean, then: () => void): void {
    if (isOver()) return;
    isConnected ||= network.canTalk(node, MONITOR);
    if (isConnected) then();
    else clock.after(RECONNECT_MS, () => connected(isOver, then));
  }

  /** Sent again until it gets through, as TCP does: it may be done long after nobody waits for it. */
  function call<T extends object>(
    timeoutMs: number,
    serve: (reply: (answer: T | Unanswered) => void) => void,
    then: (answer: T | Unanswered) => void,
  ): void {
    let isOver = false;
    const end = (answer: T | Unanswered): void => {
      if (isOver || process.life !== life) return;
      isOver = true;
      then(answer);
    };
    const reply = (answer: T | Unanswered): void => {
      if (isUnanswered(answer)) return server.after(answer.afterMs, () => answerWith(UNANSWERED));
      answerWith(answer);
    };
    const answerWith = (answer: T | Unanswered): void =>
      network.stream(MONITOR, node, isEnded, () => process.now(() => end(answer)));
    const isEnded = (): boolean => isOver;
    connected(isEnded, () => network.stream(node, MONITOR, isEnded, () => server.now(() => serve(reply))));
    process.after(timeoutMs, () => {
      if (!isOver) isConnected = false;
      end(UNANSWERED);
    });
  }

  /** What is there in a millisecond and tells nothing new is no event of its own. */
  function isQuick(): boolean {
    const isUp = server.isAlive && server.pausedUntilMs <= clock.nowMs && !store.isDown;
    return isUp && network.isQuick(node, MONITOR) && network.isQuick(MONITOR, node);
  }

  return {
    read: (then) => call(CALL_MS, (reply) => reply(store.read()), then),
    look(then) {
      if (isQuick()) then(store.stored);
      else call(LOOK_MS, (reply) => reply(store.read()), then);
    },
    swap: (asked, then) =>
      call<Exclude<SwapOutcome, Unanswered>>(
        CALL_MS,
        (reply) => swap({ ...asked, why: `n${node}: ${asked.why}` }, reply),
        then,
      ),
    leaseTerm: (then) =>
      call(
        LEASE_MS,
        (reply) => reply(store.isDown ? UNANSWERED : { term: store.leaseTerm(server.timeMs()) }),
        then,
      ),
    keepLease: ({ term, leaseMs, expected }, then) =>
      call(
        LEASE_MS,
        (reply) => {
          const nowMs = server.timeMs();
          const lease = { term, untilMs: nowMs + leaseMs };
          reply(store.isDown ? UNANSWERED : { isHeld: store.keepLease(lease, expected, nowMs) });
        },
        then,
      ),
  };
}

function isUnanswered(answer: object): answer is Unanswered {
  return 'kind' in answer && answer.kind === 'unanswered';
}
