import type { Action } from '../../src/core/action.ts';
import type { NodeId } from '../../src/core/group-record.ts';
import type { ServerSettings } from '../../src/core/server-settings.ts';
import { checkPromotion } from './invariants.ts';
import { canTalk, copyOf, keeperOf, serverOf, setKeeper, setServer, type State } from './state.ts';
import { closeReceiver, goDown, stopFast } from './streaming.ts';
import { append, commonPart, contains, fork, type Wal } from './wal-tree.ts';

type ActionOf<K extends Action['kind']> = Extract<Action, { kind: K }>;

interface Outcome {
  readonly state: State;
  /** The number of the step that comes next. */
  readonly next: number;
}

/** The action is over: done, or failed. */
const OVER = 0;

/**
 * The steps of src/keeper/execute-action.ts, as far apart as a crash in between
 * matters. Each call does one step; other things may happen before the next.
 * Several states: either may come out.
 */
export function takeStep(before: State, node: NodeId, action: Action, step: number): readonly State[] {
  const outcomes = perform(copyOf(before), node, action, step);
  return outcomes.map(({ state, next }) => {
    setKeeper(state, node, { doing: next === OVER ? null : { action, step: next } });
    return state;
  });
}

function perform(state: State, node: NodeId, action: Action, step: number): readonly Outcome[] {
  const one = (next: number): readonly Outcome[] => [{ state, next }];
  switch (action.kind) {
    case 'initialise':
    case 'adopt':
    case 'checkpoint':
    case 'maintain_slots':
    case 'ask_members':
      throw new Error(`the search does not know ${action.kind}`);
    case 'start_primary':
      return one(startPrimary(state, node, action, step));
    case 'start_standby':
      return one(startStandby(state, node, action, step));
    case 'stop':
      if (action.mode === 'fast') stopFast(state, node);
      else goDown(state, node, false);
      return one(OVER);
    case 'leave':
      stopFast(state, node);
      return one(OVER);
    case 'hand_over':
      return one(handOver(state, node, action, step));
    case 'pledge':
      return one(pledge(state, node, action, step));
    case 'configure':
      return one(configure(state, node, action.settings));
    case 'promote':
      return one(promote(state, node, action, step));
    case 'apply_rule':
      return one(applyRule(state, node, action));
    case 'write_marker':
      return one(writeMarker(state, node, action));
    case 'open':
      return one(open(state, node, action, step));
    case 'clone':
      return one(clone(state, node, action.source.node, action.source.term, step));
    case 'rewind':
      return rewind(state, node, action.source.node, action.source.term, step);
  }
}

/** What was seen of the server before says nothing about the one that is started now. */
const FORGOTTEN = { appliedRule: null, markerAcknowledged: null } as const;

function applySettings(state: State, node: NodeId, settings: ServerSettings): void {
  const before = serverOf(state, node);
  const isSameUpstream = JSON.stringify(before.settings.upstream) === JSON.stringify(settings.upstream);
  if (!isSameUpstream) closeReceiver(state, node);
  setServer(state, node, { settings });
  setKeeper(state, node, { knowsSettings: true });
}

function configure(state: State, node: NodeId, settings: ServerSettings): number {
  applySettings(state, node, settings);
  return OVER;
}

function startPrimary(state: State, node: NodeId, action: ActionOf<'start_primary'>, step: number): number {
  const { promotedTerm, restartsUsed } = keeperOf(state, node);
  if (step === 0) {
    setKeeper(state, node, {
      ...FORGOTTEN,
      promotedTerm: action.term,
      servingTerm: null,
      restartsUsed: promotedTerm === action.term ? restartsUsed : 0,
    });
    return step + 1;
  }
  if (step === 1) {
    if (!canStart(state, node)) return OVER;
    applySettings(state, node, action.settings);
    setServer(state, node, { up: 'primary', isClean: false, wasStarted: true });
    return step + 1;
  }
  setKeeper(state, node, { restartsUsed: action.restarts });
  return OVER;
}

function canStart(state: State, node: NodeId): boolean {
  const { up, isHalfMade } = serverOf(state, node);
  return up === 'down' && !isHalfMade;
}

function startStandby(state: State, node: NodeId, action: ActionOf<'start_standby'>, step: number): number {
  if (step === 0) {
    setKeeper(state, node, { ...FORGOTTEN, servingTerm: null });
    if (!canStart(state, node)) return OVER;
    const { needed, wal } = serverOf(state, node);
    const isComplete = needed === null || contains(wal, needed);
    applySettings(state, node, action.settings);
    setServer(state, node, {
      up: isComplete ? 'standby' : 'starting',
      needed: isComplete ? null : needed,
      isClean: false,
    });
    return keeperOf(state, node).copyOf === null ? OVER : 1;
  }
  // It accepts connections: from now on it is a server of its own.
  if (serverOf(state, node).up === 'standby') setKeeper(state, node, { copyOf: null });
  return OVER;
}

/** An action that waits for something that has not come. */
export function isWaiting(state: State, node: NodeId): boolean {
  const { doing } = keeperOf(state, node);
  return (
    doing?.action.kind === 'start_standby' && doing.step === 1 && serverOf(state, node).up === 'starting'
  );
}

function promise(state: State, node: NodeId, term: number): void {
  setKeeper(state, node, { pledge: { term, wal: serverOf(state, node).wal } });
}

function handOver(state: State, node: NodeId, { term }: ActionOf<'hand_over'>, step: number): number {
  if (step === 0 && serverOf(state, node).up !== 'down') {
    stopFast(state, node);
    return step + 1;
  }
  const { up, isClean } = serverOf(state, node);
  if (up !== 'down' || !isClean) return OVER;
  promise(state, node, term);
  setKeeper(state, node, { servingTerm: null });
  return OVER;
}

function pledge(state: State, node: NodeId, { term, settings }: ActionOf<'pledge'>, step: number): number {
  if (step === 0) {
    applySettings(state, node, settings);
    return step + 1;
  }
  if (serverOf(state, node).up === 'standby') promise(state, node, term);
  return OVER;
}

function promote(state: State, node: NodeId, action: ActionOf<'promote'>, step: number): number {
  if (step === 0) {
    setKeeper(state, node, {
      ...FORGOTTEN,
      promotedTerm: action.term,
      servingTerm: null,
      restartsUsed: 0,
    });
    applySettings(state, node, action.settings);
    return step + 1;
  }
  const { up, wal } = serverOf(state, node);
  if (up !== 'standby' || action.timeline <= wal.timeline) return OVER;
  const begun = fork(wal, action.timeline, node, action.term);
  checkPromotion(state, node, begun, action.term);
  setServer(state, node, { up: 'primary', wal: begun, wasStarted: false });
  return OVER;
}

function applyRule(state: State, node: NodeId, action: ActionOf<'apply_rule'>): number {
  const { settings, wal, up } = serverOf(state, node);
  if (up !== 'primary') return OVER;
  setServer(state, node, { settings: { ...settings, synchronousStandbyNames: action.names } });
  const { cohort, k } = action.rule;
  setKeeper(state, node, {
    appliedRule: { cohort, k, term: action.term, change: action.change, safe: wal },
  });
  return OVER;
}

function writeMarker(state: State, node: NodeId, { term }: ActionOf<'write_marker'>): number {
  const { up, wal } = serverOf(state, node);
  if (up !== 'primary') return OVER;
  const marker = append(wal, 'marker', term);
  setServer(state, node, { wal: marker });
  setKeeper(state, node, { markerUnderWay: marker });
  return OVER;
}

function open(state: State, node: NodeId, { term, settings }: ActionOf<'open'>, step: number): number {
  if (step === 0) {
    applySettings(state, node, settings);
    setServer(state, node, { wasStarted: false });
    return step + 1;
  }
  setKeeper(state, node, { servingTerm: term, markerAcknowledged: null });
  return OVER;
}

/** The WAL of a server that can be copied from now. */
function sourceWal(state: State, node: NodeId, source: NodeId): Wal | null {
  const { up, wal } = serverOf(state, source);
  return (up === 'primary' || up === 'standby') && canTalk(state, node, source) ? wal : null;
}

function clone(state: State, node: NodeId, source: NodeId, term: number, step: number): number {
  if (step === 0) {
    setKeeper(state, node, FORGOTTEN);
    if (serverOf(state, node).up !== 'down') {
      stopFast(state, node);
      return step + 1;
    }
  }
  if (step <= 1) {
    const wal = sourceWal(state, node, source);
    if (wal === null) return OVER;
    setServer(state, node, { wal, needed: null, isClean: false, isHalfMade: false });
    return 2;
  }
  setKeeper(state, node, { copyOf: term });
  return OVER;
}

/** The step of a rewind that could only be a copy, when that is done. */
const COPIED = 3;

function rewind(state: State, node: NodeId, source: NodeId, term: number, step: number): readonly Outcome[] {
  const { isHalfMade, isClean, wal } = serverOf(state, node);
  if (step === 0) {
    setKeeper(state, node, FORGOTTEN);
    return [{ state, next: step + 1 }];
  }
  if (step === COPIED) {
    setKeeper(state, node, { copyOf: term });
    return [{ state, next: OVER }];
  }
  const from = sourceWal(state, node, source);
  if (from === null) return [{ state, next: OVER }];
  if (step === 1) {
    const isImpossible = isHalfMade || !isClean || wal.timeline === from.timeline;
    if (isImpossible) {
      setServer(state, node, { wal: from, needed: null, isClean: false, isHalfMade: false });
      return [{ state, next: COPIED }];
    }
    setServer(state, node, { isHalfMade: true });
    return [{ state, next: step + 1 }];
  }
  // What the source was about to write while it was read may have to be streamed before the copy is consistent.
  setKeeper(state, node, { copyOf: term });
  const other = copyOf(state);
  const made = { isClean: false, isHalfMade: false, needed: from };
  setServer(state, node, { ...made, wal: from, needed: null });
  setServer(other, node, { ...made, wal: commonPart(wal, from) });
  return [
    { state, next: OVER },
    { state: other, next: OVER },
  ];
}
