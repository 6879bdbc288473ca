import { formatStandbyTag, slotName } from '../core/application-name.ts';
import { DEFAULT_SETTINGS, type NodeId } from '../core/group-record.ts';
import type { Action } from '../core/action.ts';
import type { ServerSettings, UpstreamNode } from '../core/server-settings.ts';
import { BatonError } from '../lib/baton-error.ts';
import { monotonicNow } from '../system/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ManagedSettings, PostgresServer, SourceServer } from '../postgres/postgres-server.ts';
import type { PassCrashPoint } from './crash-point.ts';
import type { Journal } from './journal.ts';
import type { NodeState } from './node-state.ts';

export interface ActionContext {
  readonly node: NodeId;
  readonly server: PostgresServer;
  readonly journal: Journal;
  readonly state: NodeState;
  readonly log: Logger;
  readonly passCrashPoint: PassCrashPoint;
  /** Something changed that the keeper should look at. */
  wake(): void;
  /** Tells the decider now what has been reached, before anything else is done. */
  report(): void;
}

/** Deadlines of the steps, ms. Long ones are progress-aware inside, this only bounds what hangs. */
const QUICK = { timeoutMs: 5_000 };
const STEP = { timeoutMs: 30_000 };
/** PostgreSQL itself gives its processes 5 s before it kills them; what then still runs is killed after 6. */
const IMMEDIATE = { timeoutMs: 10_000 };
const LONG = { timeoutMs: 600_000 };
const COPY = { timeoutMs: 24 * 3_600_000 };

/** How long after a promotion its checkpoint is taken: clients that come back need the disk more, ms. */
const CHECKPOINT_AFTER_MS = 250;

/** A checkpoint that takes less than this leaves little for the shutdown to flush, ms. */
const SHORT_CHECKPOINT_MS = 300;

/** Does one step. Whatever is durable is written in an order that lets a keeper killed in between go on. */
export async function executeAction(action: Action, context: ActionContext): Promise<void> {
  context.passCrashPoint(`before ${action.kind}`);
  await run(action, context);
  context.passCrashPoint(`after ${action.kind}`);
}

function run(action: Action, context: ActionContext): Promise<void> {
  const { server, state } = context;
  switch (action.kind) {
    case 'initialise':
      return server.initialise(LONG);
    case 'adopt':
      return adopt(action, context);
    case 'start_primary':
      return startPrimary(action, context);
    case 'start_standby':
      return startStandby(action, context);
    case 'stop':
      return server.stop(action.mode, action.mode === 'immediate' ? IMMEDIATE : STEP);
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
      return Promise.resolve(beginMarker(action.term, state.observation.position?.timeline ?? 0, context));
    case 'open':
      return open(action, context);
    case 'maintain_slots':
      return server.maintainSlots(action.nodes, QUICK).then(() => void (state.slotsFor = action.nodes));
    case 'clone':
      return clone(action.source, context);
    case 'rewind':
      return rewind(action.source, context);
    case 'leave':
      return server.stop('fast', STEP);
  }
}

async function configure(settings: ServerSettings, context: ActionContext): Promise<void> {
  const { node, server, state } = context;
  // Until it has succeeded nobody knows what is in force.
  state.configured = null;
  await server.configure(toManaged(settings, node), QUICK);
  state.configured = settings;
}

async function adopt(
  { term }: ActionOf<'adopt'>,
  { server, journal, node, state }: ActionContext,
): Promise<void> {
  await server.adopt(LONG);
  const timeline = state.observation.position?.timeline ?? 1;
  await server.writeMarker({ term, node: String(node), timeline }, STEP);
  // It has served its clients all the time, and nobody else has its data: it goes on serving.
  await journal.write({ promotedTerm: term, servingTerm: term, restartsUsed: 0 });
}

async function startPrimary(action: ActionOf<'start_primary'>, context: ActionContext): Promise<void> {
  const { server, journal, passCrashPoint } = context;
  const restartsUsed = journal.entry.promotedTerm === action.term ? journal.entry.restartsUsed : 0;
  beginStart(context.state);
  await journal.write({ promotedTerm: action.term, servingTerm: null, restartsUsed });
  passCrashPoint('inside start_primary: written down, not started');
  await configure(action.settings, context);
  await server.start('primary', STEP, context.state.record?.systemIdentifier);
  passCrashPoint('inside start_primary: started, permission not written off');
  await journal.write({ restartsUsed: action.restarts });
}

async function startStandby(action: ActionOf<'start_standby'>, context: ActionContext): Promise<void> {
  beginStart(context.state);
  if (context.journal.entry.servingTerm !== null) await context.journal.write({ servingTerm: null });
  await configure(action.settings, context);
  await context.server.start('standby', STEP, context.state.record?.systemIdentifier);
  // It accepts connections, so it is consistent, and from now on a server of its own.
  if (context.journal.entry.copyOf !== null) await context.journal.write({ copyOf: null });
}

/**
 * Reports go on while the server starts: "crashed" beside what the start has
 * written down meanwhile would read as another crash.
 */
function beginStart(state: NodeState): void {
  forgetServer(state);
  state.observation = { ...state.observation, status: 'starting' };
}

/** What was seen of the server before says nothing about the one that is started now. */
function forgetServer(state: NodeState): void {
  state.configured = null;
  state.appliedRule = null;
  state.markerAcknowledged = null;
  state.slotsFor = null;
}

/** Until the next checkpoint has little to do, so that the shutdown checkpoint has little to do either. */
async function checkpoint({ term }: ActionOf<'checkpoint'>, { server, state }: ActionContext): Promise<void> {
  // The handover is undone after that time, and a server that hangs is to be noticed.
  const limit = { timeoutMs: (state.record?.settings ?? DEFAULT_SETTINGS).handoverMs };
  for (let round = 0; round < 3; round++) {
    const beganMs = performance.now();
    await server.checkpoint(limit);
    if (performance.now() - beganMs < SHORT_CHECKPOINT_MS) break;
  }
  state.checkpointedFor = term;
}

async function handOver({ term, settings }: ActionOf<'hand_over'>, context: ActionContext): Promise<void> {
  const { node, server, journal, state, passCrashPoint } = context;
  const { history } = state.observation;
  const lineage =
    state.observation.status === 'running'
      ? { position: await server.shutDownForHandover(STEP), history }
      : await server.stoppedLineage(QUICK);
  // Before the promise: whoever starts it again and promotes it must not have its voters acknowledge for the old term.
  state.configured = null;
  await server.configureNextStart(toManaged(settings, node), QUICK);
  passCrashPoint('inside hand_over: shut down, promise not written');
  await journal.write({ pledge: { term, ...lineage }, servingTerm: null });
  context.report();
  // Its successor is being promoted meanwhile; a postmaster that is on its way out has to be gone before the next start.
  await server.stop('fast', STEP);
}

async function pledge({ term, settings }: ActionOf<'pledge'>, context: ActionContext): Promise<void> {
  const { server, journal, passCrashPoint } = context;
  await configure(settings, context);
  const lineage = await server.cutUpstream(STEP);
  passCrashPoint('inside pledge: upstream cut, promise not written');
  await journal.write({ pledge: { term, ...lineage } });
  context.report();
}

async function promote(action: ActionOf<'promote'>, context: ActionContext): Promise<void> {
  const { server, journal, state, node, passCrashPoint } = context;
  state.appliedRule = null;
  state.markerAcknowledged = null;
  await journal.write({ promotedTerm: action.term, servingTerm: null, restartsUsed: 0 });
  passCrashPoint('inside promote: written down, not promoted');
  // Until it has succeeded nobody knows what is in force.
  state.configured = null;
  const { position } = await server.promote(action.timeline, STEP, {
    settings: toManaged(action.settings, node),
    settingsBehindMarker: action.withMarker ? settingsBehindMarker(action.settings, node) : undefined,
    onPromoted() {
      state.configured = action.settings;
      passCrashPoint('inside promote: promoted, not observed');
      // Clients wait for the marker, and nothing that could be seen first would change it.
      if (action.withMarker) beginMarker(action.term, action.timeline, context);
    },
  });
  context.log.info({ ...position, term: action.term }, 'promoted');
  setTimeout(() => checkpointBeside(context), CHECKPOINT_AFTER_MS).unref();
}

/**
 * Written while the marker waits: that takes longer than the rest of opening,
 * and until the keeper reloads nothing changes. Not for a server that lets
 * nobody in (I13): others can reload it too.
 */
function settingsBehindMarker(settings: ServerSettings, node: NodeId): ManagedSettings | undefined {
  return settings.locked ? undefined : toManaged({ ...settings, readOnly: false }, node);
}

/**
 * pg_rewind looks for the new timeline in the control file, which only a
 * checkpoint writes (before PostgreSQL 16). Clients do not wait for it; but the
 * marker may, which needs a member that has to be rewound.
 */
function checkpointBeside({ server, log }: ActionContext): void {
  void server.checkpoint(LONG).catch((error: unknown) => {
    log.warn({ err: error }, 'the checkpoint after the promotion failed');
  });
}

async function applyRule(action: ActionOf<'apply_rule'>, { server, state }: ActionContext): Promise<void> {
  const safeLsn = await server.applySynchronousStandbys(action.names, STEP);
  const { rule, term, change } = action;
  state.appliedRule = { rule: { ...rule, term, change }, safeLsn };
  if (state.configured !== null)
    state.configured = { ...state.configured, synchronousStandbyNames: action.names };
}

/** Who has it flushed was receiving from this server after it was asked: that is seen with the next looks. */
async function askMembers(
  { term }: ActionOf<'ask_members'>,
  { server, state }: ActionContext,
): Promise<void> {
  const askedAtMs = monotonicNow();
  state.asked = { term, askedAtMs, lsn: await server.writeSign(QUICK) };
}

/**
 * The marker waits for the voters, and that may take as long as it likes: it
 * runs beside the loop. Its backend is never cancelled, because a cancelled
 * wait would be an acknowledgement that nobody gave.
 */
function beginMarker(term: number, timeline: number, context: ActionContext): void {
  const { server, state, node, log } = context;
  state.markerUnderWay = term;
  void server.writeMarker({ term, node: String(node), timeline }, LONG).then(
    () => {
      state.markerUnderWay = null;
      state.markerAcknowledged = term;
      context.wake();
    },
    (error: unknown) => {
      state.markerUnderWay = null;
      log.warn({ err: error, term }, 'the marker of the term was not acknowledged');
      context.wake();
    },
  );
}

async function open({ term, settings }: ActionOf<'open'>, context: ActionContext): Promise<void> {
  // In either order: the marker is acknowledged, and a keeper that comes back brings the settings into force.
  await Promise.all([context.journal.write({ servingTerm: term }), configure(settings, context)]);
  context.report();
}

async function clone(source: UpstreamNode, context: ActionContext): Promise<void> {
  const { server, state } = context;
  forgetServer(state);
  await server.stop('fast', STEP);
  await server.clone(toSource(source, context), (text) => void (state.activity = text), COPY);
  await context.journal.write({ copyOf: source.term });
}

async function rewind(source: UpstreamNode, context: ActionContext): Promise<void> {
  const { server, state, log, journal } = context;
  forgetServer(state);
  const outcome = await server.rewind(
    toSource(source, context),
    (text) => void (state.activity = text),
    COPY,
    // Not before, when they are its own, and not behind: killed there, the keeper must know that they still need WAL.
    () => journal.write({ copyOf: source.term }),
  );
  switch (outcome.kind) {
    case 'rewound':
      return log.info({ report: outcome.report }, 'rewound');
    case 'not_needed':
      // It has WAL beyond the fork, and pg_rewind sees nothing: it must not be believed (I10).
      log.warn('pg_rewind sees nothing to do on a server that has diverged: it is copied anew');
      return clone(source, context);
    case 'impossible':
      log.warn({ because: outcome.because }, 'pg_rewind can not help: the server is copied anew');
      return clone(source, context);
  }
}

function toSource(source: UpstreamNode, { node, state }: ActionContext): SourceServer {
  const systemIdentifier = state.record?.systemIdentifier;
  if (systemIdentifier == null) {
    throw new BatonError('BATON_INTERNAL', 'a copy was planned before the group was formed');
  }
  return { host: source.host, port: source.port, systemIdentifier, slot: slotName(node) };
}

function toManaged(settings: ServerSettings, node: NodeId): ManagedSettings {
  const { upstream } = settings;
  return {
    ...settings,
    upstream:
      upstream === null
        ? null
        : {
            host: upstream.host,
            port: upstream.port,
            applicationName: formatStandbyTag({ node, term: upstream.term }),
            slot: slotName(node),
          },
  };
}

type ActionOf<K extends Action['kind']> = Extract<Action, { kind: K }>;
