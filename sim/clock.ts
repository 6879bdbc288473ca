import type { Mutable } from './mutable.ts';

/** Virtual time: nothing happens between two events, and nothing takes longer than it says. */
export interface Clock {
  readonly nowMs: number;
  /** Calls back after `delayMs` of virtual time; events of the same moment come in the order in which they were asked for. */
  after(delayMs: number, run: () => void): void;
  /** The same for something that a process does: `owner` decides whether it still can. */
  afterIn(owner: EventOwner, delayMs: number, run: () => void): void;
  /** Lets everything happen that is due until `untilMs`. */
  runUntil(untilMs: number): void;
  /** Ends {@link runUntil} after the present event. */
  stop(): void;
  readonly eventsRun: number;
}

/** What may be dead, or stand still, when its event is due. */
export interface EventOwner {
  readonly life: number;
  runIn(life: number, run: () => void): void;
}

/** The longest stretch of a run has far fewer events: more are a circle in which no time passes. */
const EVENTS_MAX = 1_000_000;

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  readonly owner: EventOwner | null;
  /** The life of the owner in which the event was asked for. */
  readonly life: number;
}

export function createClock(): Clock {
  const heap: Event[] = [];
  let order = 0;
  let isStopped = false;

  const isBefore = (a: Event, b: Event): boolean =>
    a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

  function push(event: Event): void {
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent]!;
      if (!isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  function pop(): void {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }

  const self: Mutable<Clock> = {
    nowMs: 0,
    eventsRun: 0,
    after(delayMs, run) {
      push({ atMs: self.nowMs + Math.max(0, delayMs), order: (order += 1), run, owner: null, life: 0 });
    },
    afterIn(owner, delayMs, run) {
      push({ atMs: self.nowMs + Math.max(0, delayMs), order: (order += 1), run, owner, life: owner.life });
    },
    stop() {
      isStopped = true;
    },
    runUntil(untilMs) {
      isStopped = false;
      const endAt = self.eventsRun + EVENTS_MAX;
      for (;;) {
        const next = heap[0];
        if (next === undefined || next.atMs > untilMs || isStopped) break;
        pop();
        self.nowMs = next.atMs;
        self.eventsRun += 1;
        if (self.eventsRun > endAt) throw new Error(`events go on and on at ${self.nowMs} ms`);
        if (next.owner === null) next.run();
        else next.owner.runIn(next.life, next.run);
      }
      if (!isStopped) self.nowMs = untilMs;
    },
  };
  return self;
}
