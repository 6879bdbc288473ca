import { decide as realDecide, type RuleName } from '../../src/core/decide.ts';
import { createDecider, type Decide } from './deciding.ts';
import { OPERATIONS, type Operation } from './faults.ts';
import { createGrowingArray, type GrowingArray } from './growing-array.ts';
import { createParts, type Parts } from './parts.ts';
import { NODES, RENAMINGS } from './permutations.ts';
import { createStateSet, type StateSet } from './state-set.ts';
import { initialState, pack, renamePacked, unpack, WIDTH, type Bounds, type State } from './state.ts';
import { settleStreams } from './streaming.ts';
import { createTransitions, describeState, isHealthy, type Transitions } from './transitions.ts';
import { breakRule, Violation } from './violation.ts';

export interface SearchOptions {
  readonly bounds: Bounds;
  readonly operations?: readonly Operation[];
  /** Another policy instead of the real one: to see that what is wrong is found. */
  readonly decide?: Decide;
  /** Ends the search unfinished. */
  readonly statesMax?: number;
  readonly onProgress?: (states: number, waiting: number, depth: number) => void;
}

export interface SearchResult {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly healthy: number;
  /** The rule that is broken first, and the shortest way to it. */
  readonly violation: string | null;
  readonly deadEnds: number;
  readonly trace: readonly string[];
  readonly isComplete: boolean;
  readonly seconds: number;
  readonly termMax: number;
  /** The rules of the policy that spoke somewhere. */
  readonly rules: ReadonlySet<RuleName>;
}

/** Everything that the search keeps while it goes on. */
interface Space {
  readonly spoken: ReadonlySet<RuleName>;
  readonly parts: Parts;
  readonly transitions: Transitions;
  readonly seen: StateSet;
  readonly parents: GrowingArray;
  readonly fairFrom: GrowingArray;
  readonly fairTo: GrowingArray;
  readonly first: State;
}

/** Visits every state that can be reached, breadth first, and then asks from which of them there is no way back to health. */
export function search(options: SearchOptions): SearchResult {
  const startedMs = performance.now();
  const space = openSpace(options);
  const { seen } = space;
  const found = exploreAll(space, options);
  const isComplete = found.violation === null && found.isComplete;
  const deadEnds = isComplete ? findDeadEnds(space) : [];
  const firstDeadEnd = deadEnds[0];
  const trace =
    found.violation !== null
      ? traceTo(space, found.violation.place, true)
      : firstDeadEnd !== undefined
        ? traceTo(space, firstDeadEnd, false)
        : [];
  let [healthy, termMax] = [0, 0];
  for (let place = 0; place < seen.size; place++) {
    const state = stateAt(space, place);
    if (isHealthy(state)) healthy += 1;
    termMax = Math.max(termMax, state.stored.value.term);
  }
  return {
    states: seen.size,
    transitions: found.transitions,
    depth: found.depth,
    healthy,
    violation: found.violation?.message ?? null,
    deadEnds: deadEnds.length,
    trace,
    isComplete: found.isComplete,
    seconds: (performance.now() - startedMs) / 1_000,
    termMax,
    rules: space.spoken,
  };
}

function openSpace(options: SearchOptions): Space {
  const parts = createParts();
  const decider = createDecider(parts, options.decide ?? realDecide);
  const transitions = createTransitions(parts, decider, options.operations ?? OPERATIONS);
  let first = initialState(parts, options.bounds);
  settleStreams(first);
  for (const node of NODES) first = decider.hear(first, node)[0]!;
  const space: Space = {
    spoken: decider.spoken,
    parts,
    transitions,
    seen: createStateSet(WIDTH),
    parents: createGrowingArray(),
    fairFrom: createGrowingArray(),
    fairTo: createGrowingArray(),
    first,
  };
  space.seen.add(foldNames(parts, pack(parts, first)));
  space.parents.push(-1);
  return space;
}

interface Explored {
  readonly transitions: number;
  readonly depth: number;
  readonly isComplete: boolean;
  readonly violation: { readonly place: number; readonly message: string } | null;
}

/** Every fault costs a few decisions and a little WAL; more than that is a group that goes round. */
function checkEnd({ stored, servers }: State, bounds: Bounds): void {
  const faults = bounds.crashes + bounds.cuts + bounds.restarts + bounds.operations + bounds.pauses;
  const { term, ruleChanges, reign } = stored.value;
  const depth = Math.max(...servers.map(({ wal }) => wal.depth));
  if (
    term > 2 + 2 * faults ||
    ruleChanges > 4 + 4 * faults ||
    (reign?.restarts ?? 0) > 1 + faults ||
    depth > 8 + bounds.transactions + 6 * faults
  )
    breakRule(
      'I27 a group comes to rest',
      `after ${faults} faults term ${term}, ${ruleChanges} changes of the rule, ${reign?.restarts} restarts, ${depth} records of WAL`,
    );
}

function exploreAll(space: Space, { bounds, statesMax = Infinity, onProgress }: SearchOptions): Explored {
  const { seen, parents, parts, fairFrom, fairTo } = space;
  let [transitions, depth, endOfLevel] = [0, 0, 1];
  for (let place = 0; place < seen.size; place++) {
    if (seen.size >= statesMax) return { transitions, depth, isComplete: false, violation: null };
    if (place === endOfLevel) {
      endOfLevel = seen.size;
      depth += 1;
    }
    if (place % 20_000 === 0) onProgress?.(seen.size, seen.size - place, depth);
    try {
      for (const { packed, isFair, state } of space.transitions.from(stateAt(space, place))) {
        checkEnd(state, bounds);
        transitions += 1;
        const added = seen.add(foldNames(parts, packed));
        if (added < 0) parents.push(place);
        if (!isFair) continue;
        fairFrom.push(place);
        fairTo.push(added < 0 ? -added - 1 : added);
      }
    } catch (thrown) {
      if (!(thrown instanceof Violation)) throw thrown;
      return { transitions, depth, isComplete: false, violation: { place, message: thrown.message } };
    }
  }
  return { transitions, depth, isComplete: true, violation: null };
}

const scratch = new Int32Array(WIDTH);

function stateAt({ seen, parts }: Space, place: number): State {
  seen.read(place, scratch);
  return unpack(parts, scratch);
}

/** Of all namings of the nodes the one with the smallest numbers: states that differ in names only are one. */
function foldNames(parts: Parts, packed: Int32Array): Int32Array {
  let best: Int32Array = packed;
  let other: Int32Array = new Int32Array(WIDTH);
  for (let by = 1; by < RENAMINGS.length; by++) {
    // The records differ as a rule, and then nothing else has to be compared.
    if (parts.records.imageOf(packed[0]!, by) > best[0]!) continue;
    renamePacked(parts, packed, by, RENAMINGS[by]!, other);
    if (!isSmaller(other, best)) continue;
    const spare = best === packed ? new Int32Array(WIDTH) : best;
    best = other;
    other = spare;
  }
  return best;
}

function isSmaller(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < WIDTH; i++) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return false;
}

/** States from which no sequence of fair steps leads to a healthy one, in the order of their depth. */
function findDeadEnds(space: Space): readonly number[] {
  const { seen, fairFrom, fairTo } = space;
  const starts = new Int32Array(seen.size + 1);
  for (const to of fairTo.view) starts[to + 1]! += 1;
  for (let place = 0; place < seen.size; place++) starts[place + 1]! += starts[place]!;
  const next = starts.slice();
  const sources = new Int32Array(fairTo.length);
  for (let i = 0; i < fairTo.length; i++) {
    const to = fairTo.at(i);
    sources[next[to]!] = fairFrom.at(i);
    next[to]! += 1;
  }
  const comesBack = new Uint8Array(seen.size);
  const waiting = createGrowingArray();
  for (let place = 0; place < seen.size; place++) {
    if (!isHealthy(stateAt(space, place))) continue;
    comesBack[place] = 1;
    waiting.push(place);
  }
  for (let i = 0; i < waiting.length; i++) {
    const place = waiting.at(i);
    for (let j = starts[place]!; j < starts[place + 1]!; j++) {
      const source = sources[j]!;
      if (comesBack[source] === 1) continue;
      comesBack[source] = 1;
      waiting.push(source);
    }
  }
  const deadEnds: number[] = [];
  for (let place = 0; place < seen.size; place++) if (comesBack[place] === 0) deadEnds.push(place);
  return deadEnds;
}

/** The shortest way to a state, in words, with the nodes named the same all the way. */
function traceTo(space: Space, place: number, isBroken: boolean): readonly string[] {
  const { parents, seen, parts, transitions } = space;
  const places: number[] = [];
  for (let at = place; at > 0; at = parents.at(at)) places.unshift(at);
  const lines = ['at first:', ...describeState(space.first).map((line) => `      ${line}`)];
  let state = space.first;
  for (const [index, target] of places.entries()) {
    const wanted = new Int32Array(WIDTH);
    seen.read(target, wanted);
    const taken = transitions
      .from(state)
      .find(({ packed }) => foldNames(parts, packed).every((number, i) => number === wanted[i]));
    if (taken === undefined) return [...lines, 'the way on is lost'];
    lines.push(`${String(index + 1).padStart(3)}  ${taken.event}`);
    for (const words of taken.state.words) lines.push(`       decided: ${words}`);
    state = unpack(parts, taken.packed);
  }
  lines.push('there:', ...describeState(state).map((line) => `      ${line}`));
  if (isBroken) lines.push(...lastStep(space, state));
  else
    for (const { event, isFair } of transitions.from(state))
      if (isFair) lines.push(`      possible: ${event}`);
  return lines;
}

/** The step that breaks the rule. */
function lastStep({ transitions }: Space, state: State): readonly string[] {
  let last = '';
  try {
    transitions.from(state, (event) => (last = event));
  } catch (thrown) {
    if (thrown instanceof Violation) return [`then ${last}: ${thrown.message}`];
    throw thrown;
  }
  return [];
}
