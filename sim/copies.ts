import type { UpstreamNode } from '../src/core/server-settings.ts';
import { StepFailed, type ActionContext, type Steps } from './steps.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';
import type { WalRecord } from './wal.ts';

/** The source of a copy while it can be read: one connection for the whole time. */
function connectTo(source: UpstreamNode, { world, node, state }: ActionContext): VirtualPostgres {
  const server = world.servers.get(source.node);
  const answers =
    server !== undefined &&
    server.status === 'running' &&
    server.process.pausedUntilMs <= world.clock.nowMs &&
    world.network.canTalk(node, source.node);
  if (!answers) throw new StepFailed(`node ${source.node} can't be copied from`);
  if (server.data?.systemIdentifier !== state.record?.systemIdentifier)
    throw new StepFailed(`node ${source.node} has data of another system`);
  return server;
}

/** pg_basebackup into a folder beside the data directory, then a rename. */
export function* copyData(source: UpstreamNode, context: ActionContext): Steps {
  const { world, server } = context;
  if (server.status !== 'down') throw new StepFailed('the server has to be down');
  const from = connectTo(source, context);
  const { life } = from.process;
  const deadlineMs = world.clock.nowMs + server.random.between(300, 4_000);
  while (world.clock.nowMs < deadlineMs) {
    yield 100;
    if (connectTo(source, context).process.life !== life) throw new StepFailed('the source was restarted');
  }
  const wal = durableWal(from);
  world.checkers.replaced(server, wal);
  server.hasSentinel = false;
  server.data = {
    systemIdentifier: from.data?.systemIdentifier ?? '',
    wal,
    flushed: wal.length,
    partialBytes: 0,
    isClean: false,
    controlTimeline: from.data?.controlTimeline ?? 1,
    slots: new Set(),
    // pg_basebackup brings all the WAL that its copy needs.
    needed: wal.length,
  };
}

/** pg_rewind: compares the timelines of the last checkpoints, and nothing else. */
export function* rewindData(
  source: UpstreamNode,
  context: ActionContext,
): Steps<'rewound' | 'not_needed' | 'impossible'> {
  const { server } = context;
  if (server.status !== 'down' || server.data === null) throw new StepFailed('the server has to be down');
  const from = connectTo(source, context);
  const { life } = from.process;
  const target = server.data;
  if (server.hasSentinel || !target.isClean || server.random.chance(0.1)) return 'impossible';
  yield server.random.between(10, 50);
  if (target.controlTimeline === from.data?.controlTimeline) return 'not_needed';
  server.hasSentinel = true;
  yield server.random.between(100, 1_500);
  if (connectTo(source, context).process.life !== life) throw new StepFailed('the source was restarted');
  const needed = durableWal(from).length;
  context.world.checkers.replaced(server, durableWal(from));
  // What the source was about to write while it was read has to be streamed before the copy is consistent.
  const fork = target.wal.findLastIndex((record, index) => from.data?.wal[index] === record) + 1;
  const wal = durableWal(from).slice(0, server.random.int(fork, needed));
  target.needed = needed;
  target.wal.splice(0, target.wal.length, ...wal);
  target.flushed = wal.length;
  target.partialBytes = 0;
  target.isClean = false;
  target.controlTimeline = from.data?.controlTimeline ?? 1;
  yield* context.journal.write({ copyOf: source.term });
  server.hasSentinel = false;
  return 'rewound';
}

function durableWal(from: VirtualPostgres): WalRecord[] {
  const { data } = from;
  if (data === null) throw new StepFailed('the source has lost its data');
  return data.wal.slice(0, data.flushed);
}
