import type { GroupAddress, MonitorClient } from '../api/client.ts';
import type { AcceptedBody, GroupBody } from '../api/schemas.ts';
import { nameOf } from '../core/group-record.ts';
import type { Goal, GroupBefore } from './change-goal.ts';
import type { CliContext } from './cli-context.ts';
import { followChange, type FinishedChange } from './follow-change.ts';
import { formatDuration } from './format-quantity.ts';
import type { WaitOptions } from './options.ts';
import { createTransitionTable, type Transition } from './transition-table.ts';
import type { Ui } from './ui.ts';

export interface Change {
  readonly client: MonitorClient;
  readonly address: GroupAddress;
  readonly wait: WaitOptions['wait'];
  readonly goal: Goal;
  /** The group as it is before. */
  readonly before: GroupBody;
  /** What is asked for, for people: `switchover`. */
  readonly what: string;
  send(): Promise<AcceptedBody>;
}

/**
 * Asks the monitor for a change of a group and shows the transitions as they
 * happen, until it is done. Throws what `followChange` throws.
 */
export async function carryOut(context: CliContext, ui: Ui, change: Change): Promise<void> {
  if (change.wait === false) {
    const accepted = await change.send();
    ui.show(accepted, () => `${accepted.because}\n`);
    return;
  }
  const table = createTransitionTable(change.before.nodes);
  const transitions: Transition[] = [];
  const progress = ui.progress(`${change.what} is under way`);
  try {
    const finished = await followChange({
      ...change,
      clock: context.clock,
      waitMs: change.wait * 1000,
      onState(node) {
        const transition = { at: context.clock.now(), node };
        const lines = table.linesFor(transition);
        if (lines.length === 0) return;
        transitions.push(transition);
        if (ui.json) return;
        progress.stop();
        ui.print(lines.map((line) => `${line}\n`).join(''));
      },
      onProgress(progression) {
        if (progression.kind === 'waiting') progress.update(progression.missing.join('; '));
      },
    });
    progress.stop();
    if (ui.json) ui.printJson(toJson(finished, transitions));
    else ui.note(describe(finished));
  } finally {
    progress.stop();
  }
}

function describe({ accepted, state, tookOverMs, settledMs }: FinishedChange): string {
  const { reign } = state.record;
  if (tookOverMs === undefined || reign === null) return `Done: ${accepted.because}.`;
  const holder = nameOf(state.record, reign.holder);
  return `${holder} is the primary of term ${reign.term}. It served clients ${formatDuration(tookOverMs)} after the request, and the group was at rest after ${formatDuration(settledMs)}.`;
}

function toJson(
  { accepted, state, tookOverMs, settledMs }: FinishedChange,
  transitions: readonly Transition[],
) {
  const { reign } = state.record;
  return {
    because: accepted.because,
    primary: state.nodes.find((node) => node.node_id === reign?.holder)?.name ?? null,
    term: reign?.term ?? null,
    took_over_ms: tookOverMs === undefined ? null : Math.round(tookOverMs),
    settled_ms: Math.round(settledMs),
    transitions: transitions.map(({ at, node }) => ({
      at: at.toISOString(),
      name: node.name,
      node_id: node.node_id,
      host: node.host,
      port: node.port,
      reported_state: node.reported_state,
      assigned_state: node.assigned_state,
    })),
  };
}

/** What a goal compares with. */
export function groupBefore({ record, nodes }: GroupBody): GroupBefore {
  return { term: record.reign?.term ?? 0, nodes };
}

/** What `--dry-run` prints: the steps, and that nothing was done. */
export function showPlan(ui: Ui, accepted: AcceptedBody): void {
  ui.show(accepted, () => {
    const steps = accepted.plan.map((step, index) => `${String(index + 1).padStart(2)}. ${step}\n`).join('');
    return `${steps}This was a dry run: nothing was changed.\n`;
  });
}
