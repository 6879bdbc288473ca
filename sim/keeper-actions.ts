import type { Action } from '../src/core/action.ts';
import { isForeign } from '../src/core/evidence.ts';
import type { NodeId } from '../src/core/group-record.ts';
import type { Lineage } from '../src/core/lineage.ts';
import type { ServerSettings, UpstreamNode } from '../src/core/server-settings.ts';
import type { NodeState } from '../src/keeper/node-state.ts';
import { copyData, rewindData } from './copies.ts';
import { endOfWal } from './observation.ts';
import { StepFailed, type ActionContext, type Steps } from './steps.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';
import type { World } from './world.ts';

/** How long after a promotion its checkpoint is taken, ms. */
const CHECKPOINT_AFTER_MS = 250;

type ActionOf<K extends Action['kind']> = Extract<Action, { kind: K }>;

/** The steps of src/keeper/execute-action.ts, line by line. */
export function* executeAction(action: Action, context: ActionContext): Steps {
  yield* context.passCrashPoint();
  yield* run(action, context);
  yield* context.passCrashPoint();
}

function run(action: Action, context: ActionContext): Steps {
  switch (action.kind) {
    case 'initialise':
      return initialise(context);
    case 'adopt':
      throw new Error('the simulator has no servers to adopt');
    case 'start_primary':
      return startPrimary(action, context);
    case 'start_standby':
      return startStandby(action, context);
    case 'stop':
      return stop(action.mode, context);
    case 'checkpoint':
      return checkpoint(action, context);
    case 'hand_over':
      return handOver(action, context);
    case 'pledge':
      return pledge(action, context);
    case 'configure':
      return configure(action.settings, context);
    case 'promote':
      return promote(action, context);
    case 'apply_rule':
      return applyRule(action, context);
    case 'ask_members':
      return askMembers(action, context);
    case 'write_marker':
      return writeMarker(action, context);
    case 'open':
      return open(action, context);
    case 'maintain_slots':
      return maintainSlots(action.nodes, context);
    case 'clone':
      return clone(action.source, context);
    case 'rewind':
      return rewind(action.source, context);
    case 'leave':
      return stop('fast', context);
  }
}

/** Polls, as the real calls do; the server may die meanwhile. */
export function* until(
  { world, server }: Pick<ActionContext, 'world' | 'server'>,
  isReached: () => boolean,
  timeoutMs: number,
): Steps {
  const deadlineMs = world.clock.nowMs + timeoutMs;
  while (!isReached()) {
    if (world.clock.nowMs >= deadlineMs) throw new StepFailed('time-out');
    yield server.random.between(2, 8);
  }
}

function* initialise({ world, server }: ActionContext): Steps {
  yield server.random.between(300, 1_500);
  // As initdb does it: no two are the same.
  server.initialise(`73000000000${Math.round(world.clock.nowMs).toString().padStart(8, '0')}`);
}

function* configure(settings: ServerSettings, context: ActionContext): Steps {
  const { world, server, state } = context;
  state.configured = null;
  yield server.random.between(0.5, 3);
  server.configure(settings);
  if (server.status === 'running') {
    yield* until(
      { world, server },
      () => server.effective === settings || server.status !== 'running',
      5_000,
    );
  }
  state.configured = settings;
}

function* startPrimary(action: ActionOf<'start_primary'>, context: ActionContext): Steps {
  const { journal } = context;
  const restartsUsed = journal.entry.promotedTerm === action.term ? journal.entry.restartsUsed : 0;
  yield* journal.write({ promotedTerm: action.term, servingTerm: null, restartsUsed });
  yield* context.passCrashPoint();
  forgetServer(context.state);
  yield* configure(action.settings, context);
  yield* start('primary', context);
  yield* context.passCrashPoint();
  yield* journal.write({ restartsUsed: action.restarts });
}

function* startStandby(action: ActionOf<'start_standby'>, context: ActionContext): Steps {
  if (context.journal.entry.servingTerm !== null) yield* context.journal.write({ servingTerm: null });
  forgetServer(context.state);
  yield* configure(action.settings, context);
  yield* start('standby', context);
  if (context.journal.entry.copyOf !== null) yield* context.journal.write({ copyOf: null });
}

function* start(role: 'primary' | 'standby', { world, server, state }: ActionContext): Steps {
  const { random, data } = server;
  if (data !== null && state.record !== null && isForeign(state.record, data))
    throw new StepFailed('the data directory holds the data of another system');
  server.start(role, random.chance(0.1) ? random.between(1_000, 8_000) : random.between(40, 400));
  yield* until({ world, server }, () => server.status === 'running' || server.status === 'down', 30_000);
  if (server.role !== role) throw new StepFailed(`PostgreSQL did not start as a ${role}`);
}

function forgetServer(state: NodeState): void {
  state.configured = null;
  state.appliedRule = null;
  state.markerAcknowledged = null;
  state.slotsFor = null;
}

function* stop(mode: 'fast' | 'immediate', { world, server }: ActionContext): Steps {
  yield server.random.between(1, 5);
  if (mode === 'immediate') {
    yield server.random.between(5, 30);
    server.kill(true);
  } else {
    server.stopFast();
  }
  yield* until({ world, server }, () => server.status === 'down', 30_000);
}

function* checkpoint({ term }: ActionOf<'checkpoint'>, { server, state }: ActionContext): Steps {
  yield server.random.between(5, 200);
  if (server.role !== 'primary') throw new StepFailed('no primary to take a checkpoint');
  server.checkpoint();
  state.checkpointedFor = term;
}

function* handOver({ term, settings }: ActionOf<'hand_over'>, context: ActionContext): Steps {
  const { world, server, journal, state } = context;
  if (state.observation.status === 'running') {
    server.stopFast();
    yield* until({ world, server }, () => server.data?.isClean === true || server.status === 'down', 30_000);
  }
  if (server.data?.isClean !== true) throw new StepFailed('it died instead of shutting down');
  const lineage = endOfWal(server.data);
  state.configured = null;
  server.configure(settings);
  yield server.random.between(0.5, 3);
  yield* context.passCrashPoint();
  yield* journal.write({ pledge: { term, ...lineage }, servingTerm: null });
  context.report();
  yield* stop('fast', context);
}

function* pledge({ term, settings }: ActionOf<'pledge'>, context: ActionContext): Steps {
  const { world, server, journal } = context;
  yield* configure(settings, context);
  const lineage = yield* cutUpstream(world, server);
  yield* context.passCrashPoint();
  yield* journal.write({ pledge: { term, ...lineage } });
  context.report();
}

function* cutUpstream(world: World, server: VirtualPostgres): Steps<Lineage> {
  yield server.random.between(1, 15);
  server.endReceiver();
  yield server.random.between(5, 15);
  const isDead = (): boolean => server.status !== 'running' || server.data === null;
  yield* until({ world, server }, () => isDead() || world.clock.nowMs >= server.endKnownAtMs, 30_000);
  if (isDead() || server.role !== 'standby' || server.data === null)
    throw new StepFailed('PostgreSQL stopped while its upstream was cut');
  return endOfWal(server.data);
}

function* promote(action: ActionOf<'promote'>, context: ActionContext): Steps {
  const { world, server, journal, state } = context;
  yield* journal.write({ promotedTerm: action.term, servingTerm: null, restartsUsed: 0 });
  yield* context.passCrashPoint();
  state.appliedRule = null;
  state.markerAcknowledged = null;
  yield* configure(action.settings, context);
  if (server.role !== 'standby') throw new StepFailed('no standby to promote');
  const present = server.data?.wal.at(-1)?.timeline.id ?? 0;
  if (action.timeline <= present) throw new StepFailed(`timeline ${action.timeline} has been used`);
  server.promote(action.timeline);
  yield* until({ world, server }, () => server.role !== 'standby', 30_000);
  yield* context.passCrashPoint();
  if (action.withMarker) beginMarker(action.term, context);
  server.process.after(CHECKPOINT_AFTER_MS, () => server.checkpoint());
}

function* applyRule(action: ActionOf<'apply_rule'>, { server, state }: ActionContext): Steps {
  yield server.random.between(2, 20);
  if (server.role !== 'primary' || server.data === null) throw new StepFailed('no primary');
  server.setNames(action.names);
  yield server.random.between(2, 20);
  if (server.role !== 'primary' || server.data === null) throw new StepFailed('no primary');
  const safeLsn = server.data.wal[server.data.flushed - 1]?.lsn ?? '0/0';
  const { rule, term, change } = action;
  state.appliedRule = { rule: { ...rule, term, change }, safeLsn };
  if (state.configured !== null)
    state.configured = { ...state.configured, synchronousStandbyNames: action.names };
}

/** A commit that waits for nobody: it is sent as soon as it is flushed here. */
function* askMembers({ term }: ActionOf<'ask_members'>, context: ActionContext): Steps {
  const { world, server, state } = context;
  const askedAtMs = context.nowMs();
  yield server.random.between(0.3, 3);
  if (server.role !== 'primary' || server.status !== 'running') throw new StepFailed('no primary');
  server.write('sign', 0, () => undefined);
  const sign = server.data?.wal.at(-1);
  if (sign?.kind !== 'sign') throw new StepFailed('no sign could be written');
  yield* until({ world, server }, () => (server.data?.flushed ?? 0) > sign.index, 5_000);
  state.asked = { term, askedAtMs, lsn: sign.lsn };
}

/** Runs beside the loop: the marker waits for the voters as long as it takes. */
function* writeMarker({ term }: ActionOf<'write_marker'>, context: ActionContext): Steps {
  beginMarker(term, context);
  yield 0.1;
}

function beginMarker(term: number, context: ActionContext): void {
  const { server, state, world } = context;
  state.markerUnderWay = term;
  server.write('marker', term, (record) => {
    state.markerUnderWay = null;
    if (record !== undefined) {
      state.markerAcknowledged = term;
      world.checkers.acknowledged(server, record);
    }
    context.wake();
  });
}

function* open({ term, settings }: ActionOf<'open'>, context: ActionContext): Steps {
  const { server, journal } = context;
  // Both at once in src/keeper: either may be done when the keeper dies.
  const steps = [() => configure(settings, context), () => journal.write({ servingTerm: term })];
  if (server.random.chance(0.5)) steps.reverse();
  for (const begin of steps) {
    yield* begin();
    yield* context.passCrashPoint();
  }
  context.report();
}

function* maintainSlots(nodes: readonly NodeId[], { server, state }: ActionContext): Steps {
  yield server.random.between(1, 5);
  if (server.status !== 'running' || server.data === null) throw new StepFailed('PostgreSQL is not running');
  server.data.slots.clear();
  for (const node of nodes) server.data.slots.add(node);
  state.slotsFor = nodes;
}

function* clone(source: UpstreamNode, context: ActionContext): Steps {
  forgetServer(context.state);
  yield* stop('fast', context);
  yield* copyData(source, context);
  yield* context.passCrashPoint();
  yield* context.journal.write({ copyOf: source.term });
}

function* rewind(source: UpstreamNode, context: ActionContext): Steps {
  forgetServer(context.state);
  const outcome = yield* rewindData(source, context);
  if (outcome !== 'rewound') yield* clone(source, context);
}
