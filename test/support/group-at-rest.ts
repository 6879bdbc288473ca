import type { GroupAddress, MonitorClient } from '../../src/api/client.ts';
import type { GroupBody } from '../../src/api/schemas.ts';
import { eventually } from './test-monitor.ts';

/** Where nodes stay; in any other state something is still on its way. */
const RESTING = ['single', 'wait_primary', 'primary', 'secondary', 'maintenance'];

/** Long enough for a loaded machine; only a fault takes that long. */
export const PATIENCE_MS = 60_000;

/** What was killed a moment ago looks as before until its keeper has said otherwise. */
const AT_REST_MS = 300;

/** Every keeper is asked, where keepers decide: more often would slow down what is waited for. */
const ASK_EVERY_MS = 100;

export interface AtRest {
  /** How many nodes the group has; undefined: whatever it has. */
  readonly nodes?: number;
  /** The present term is a later one. */
  readonly afterTerm?: number;
  readonly timeoutMs?: number;
}

/** Waits until a primary serves clients and every node is what it is to be, and that lasts. */
export function waitForRest(
  client: MonitorClient,
  address: GroupAddress,
  { nodes, afterTerm = 0, timeoutMs = PATIENCE_MS }: AtRest,
): Promise<GroupBody> {
  const what = `${nodes ?? 'all'} nodes at rest${afterTerm === 0 ? '' : ` after term ${afterTerm}`}`;
  let sinceMs = Infinity;
  return waitForGroup(client, address, what, timeoutMs, (group) => {
    const isSo =
      isAtRest(group) &&
      (group.record.reign?.term ?? 0) > afterTerm &&
      (nodes === undefined || group.nodes.length === nodes);
    sinceMs = isSo ? Math.min(sinceMs, performance.now()) : Infinity;
    return performance.now() - sinceMs >= AT_REST_MS;
  });
}

/** Waits for a condition on what the monitor knows; one that does not answer is asked again. */
export async function waitForGroup(
  client: MonitorClient,
  address: GroupAddress,
  what: string,
  timeoutMs: number,
  condition: (group: GroupBody) => boolean,
): Promise<GroupBody> {
  let last: GroupBody | undefined;
  try {
    return await eventually(
      what,
      async () => {
        last = await client.getGroup(address).catch(() => undefined);
        return last !== undefined && condition(last) && last;
      },
      timeoutMs,
      ASK_EVERY_MS,
    );
  } catch (error) {
    const seen = last === undefined ? 'the monitor does not answer' : describeGroup(last);
    throw new Error(`${(error as Error).message}\n${seen}`, { cause: error });
  }
}

function isAtRest({ record, nodes }: GroupBody): boolean {
  const { reign, intent, rules } = record;
  if (reign === null || !reign.confirmed || intent !== null || rules.length !== 1) return false;
  return (
    nodes.length > 0 &&
    nodes.every(
      (node) =>
        RESTING.includes(node.reported_state) &&
        node.reported_state === node.assigned_state &&
        !node.connection.includes('!'),
    )
  );
}

/** What the monitor knows, for the message of a test that failed. */
export function describeGroup({ record, nodes }: GroupBody): string {
  const rows = nodes.map((node) => {
    const states = `${node.reported_state}/${node.assigned_state} ${node.connection}`;
    const doing = node.activity === null ? '' : ` [${node.activity}]`;
    const problem = node.problem === null ? '' : ` PROBLEM ${node.problem}`;
    return `${node.name} ${states} ${node.timeline}:${node.lsn}${doing}${problem}`;
  });
  const { reign, rules, intent } = record;
  const facts = Object.entries({ reign, rules, intent }).map(
    ([key, value]) => `${key} ${JSON.stringify(value)}`,
  );
  return [...rows, ...facts].join('\n');
}
