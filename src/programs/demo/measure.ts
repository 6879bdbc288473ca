import type { DemoGroup, DemoNode } from './demo-group.ts';
import type { RecordingWriter } from './recording-writer.ts';
import { isWhole } from './state-watch.ts';
import { BatonError } from '../../lib/baton-error.ts';
import { isAlive, sendSignal } from '../../system/process.ts';
import { sleep, startCountdown, waitFor } from '../../system/clock.ts';

const WHOLE = { timeoutMs: 60_000 };

/** Writes go on for this long before and after a change, so that its gap stands between acknowledgements, ms. */
const QUIET_MS = 500;

/** What the clients saw of one change of primary. */
export interface ChangeResult {
  /** The longest time between two acknowledgements, seconds. */
  readonly writeGapS: number;
  /** Rows acknowledged from before the change until the group was whole again. */
  readonly ids: readonly number[];
}

export interface FailoverResult extends ChangeResult {
  /** From the end of the old primary's process until it was a standby again, seconds. */
  readonly rejoinS: number;
  readonly from: DemoNode;
  readonly to: DemoNode;
}

export interface SwitchoverResult extends ChangeResult {
  readonly from: DemoNode;
  readonly to: DemoNode;
}

/** Kills the PostgreSQL of the primary with SIGKILL and waits until the group is whole again. */
export async function measureFailover(
  group: DemoGroup,
  writer: RecordingWriter,
  onKilled: (node: DemoNode, pid: number) => void,
): Promise<FailoverResult> {
  const from = await findPrimary(group);
  const pid = await group.postmasterPid(from);
  const first = await beginQuietly(writer);
  sendSignal(pid, 'SIGKILL');
  onKilled(from, pid);
  await waitFor('the end of the killed process', startCountdown({ timeoutMs: 5_000 }), 2, () =>
    isAlive(pid) ? undefined : true,
  );
  const goneAtMs = performance.now();
  await group.states.until('the old primary to be a standby again', WHOLE, (rows) =>
    rows.some((row) => row.name === from.name && row.reported_state === 'secondary'),
  );
  const rejoinS = secondsSince(goneAtMs);
  const to = await whole(group);
  return { ...(await endQuietly(writer, first)), rejoinS, from, to };
}

/** Moves the primary role as an operator does and waits until the group is whole again. */
export async function measureSwitchover(
  group: DemoGroup,
  writer: RecordingWriter,
  onAsk: (node: DemoNode) => void,
): Promise<SwitchoverResult> {
  const from = await findPrimary(group);
  const first = await beginQuietly(writer);
  const address = { formation: 'default', group: 0 };
  onAsk(from);
  await group.client.switchover(address, { requested_by: 'pgbaton demo' });
  await group.states.until('another primary', WHOLE, (rows) =>
    rows.some((row) => row.name !== from.name && row.reported_state === 'primary'),
  );
  const to = await whole(group);
  return { ...(await endQuietly(writer, first)), from, to };
}

/** Waits until the group is whole, and returns its primary. */
export async function whole(group: DemoGroup): Promise<DemoNode> {
  const { nodes, states } = group;
  const rows = await states.until('the group to be whole', WHOLE, (current) =>
    isWhole(current, nodes.length),
  );
  return nodeNamed(group, rows.find((row) => row.reported_state === 'primary')?.name);
}

async function findPrimary(group: DemoGroup): Promise<DemoNode> {
  const rows = await group.states.until('a primary', WHOLE, (current) =>
    current.some((row) => row.reported_state === 'primary'),
  );
  return nodeNamed(group, rows.find((row) => row.reported_state === 'primary')?.name);
}

function nodeNamed(group: DemoGroup, name: string | undefined): DemoNode {
  const found = group.nodes.find((node) => node.name === name);
  if (found === undefined) throw new BatonError('BATON_NODE_NOT_FOUND', `the demo has no node "${name}"`);
  return found;
}

async function beginQuietly(writer: RecordingWriter): Promise<number> {
  const first = writer.count();
  await sleep(QUIET_MS);
  return first;
}

async function endQuietly(writer: RecordingWriter, first: number): Promise<ChangeResult> {
  await sleep(QUIET_MS);
  return { writeGapS: writer.longestGapMs(first) / 1_000, ids: writer.idsSince(first) };
}

function secondsSince(monotonicMs: number): number {
  return (performance.now() - monotonicMs) / 1_000;
}
