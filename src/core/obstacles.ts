import type { Evidence } from './evidence.ts';
import { cohortMembers, findNode, nameOf, type GroupRecord, type NodeId } from './group-record.ts';
import { isCloseEnough, mayLoseCommits } from './lease.ts';
import { relationTo } from './lineage.ts';
import { liveReport } from './live-report.ts';
import { holderCondition } from './liveness.ts';
import { lagBytes } from './lsn.ts';
import { pledgesNeeded } from './quorum.ts';
import { describeMoved, hasMoved } from './move-record.ts';
import { describeContradiction } from './record-home.ts';

/** What would stop a node from being promoted now, a sentence each; empty: nothing. */
export function promotionObstacles(record: GroupRecord, evidence: Evidence, node: NodeId): readonly string[] {
  const entry = findNode(record, node);
  if (entry === undefined) return ['it is not in the group'];
  if (record.reign?.holder === node) return ['it is the primary'];
  const obstacles: string[] = [];
  if (entry.dropping !== 'no') obstacles.push('it is being dropped');
  if (entry.maintenance) obstacles.push('it is in maintenance: `pgbaton disable maintenance` ends that');
  if (entry.candidatePriority === 0) obstacles.push('its candidate priority is 0');
  if (!entry.replicationQuorum)
    obstacles.push('it does not take part in the replication quorum, so it need not have all commits');
  else if (!record.rules.every((rule) => rule.cohort.includes(node)))
    obstacles.push('it is not a voter yet, so it need not have all commits');
  return [...obstacles, ...obstaclesByReport(record, evidence, node)];
}

function obstaclesByReport(record: GroupRecord, evidence: Evidence, node: NodeId): readonly string[] {
  const report = liveReport(record, evidence, node);
  if (report === undefined) return ['its keeper is silent'];
  if (report.unfit !== null) return [report.unfit];
  const { status, role, position, history } = report.postgres;
  if (status !== 'running') return [`its PostgreSQL is ${status}`];
  if (role !== 'standby') return ['its PostgreSQL is not a standby'];
  if (position === null || record.reign === null) return ['the end of its WAL is not known'];
  const relation = relationTo(record.reign, { position, history });
  switch (relation) {
    case 'contained':
      return [];
    case 'diverged':
      return ['it has WAL that the primary does not have and is to be rewound'];
    case 'unprovable':
      return ['it has another history under the same timeline number and is to be copied anew'];
    case 'unknown':
      return ['the history of the present primary is not known yet'];
  }
}

/** What keeps the group from a failover, or from being whole, a sentence each with the way out; empty: nothing does. */
export function groupObstacles(record: GroupRecord, evidence: Evidence): readonly string[] {
  const { reign, intent } = record;
  const { contradiction } = evidence;
  if (contradiction !== undefined) return [describeContradiction(contradiction, record)];
  if (hasMoved(record)) return [describeMoved(record)];
  if (reign === null) return ['no node has joined: `pgbaton create postgres` adds the first'];
  const obstacles: string[] = [];
  const live = cohortMembers(record).filter((node) => liveReport(record, evidence, node) !== undefined);
  for (const rule of mayLoseCommits(record) ? [] : record.rules) {
    const needed = pledgesNeeded(rule);
    const able = rule.cohort.filter(
      (node) => live.includes(node) && (node !== reign.holder || intent !== null),
    );
    if (able.length < needed) {
      const silent = rule.cohort.filter((node) => !live.includes(node)).map((node) => nameOf(record, node));
      const missing = silent.length === 0 ? '' : `; silent: ${silent.join(', ')}`;
      obstacles.push(
        `a failover needs the pledges of ${needed} members and would get ${able.length}${missing}. Start their keepers (\`pgbaton run\`), or accept a loss with \`pgbaton perform failover --allow-data-loss\``,
      );
    }
  }
  const condition = holderCondition(record, evidence);
  if (condition.kind !== 'alive') obstacles.push(condition.because);
  if (mayLoseCommits(record)) obstacles.push(...asyncObstacles(record, evidence, condition.kind === 'alive'));
  if (record.settings.paused) obstacles.push('automatic failover is paused');
  for (const { report } of evidence.reports) {
    if (report.problem !== null) obstacles.push(`${nameOf(record, report.node)}: ${report.problem}`);
  }
  return obstacles;
}

/** What keeps an async group from going on without its primary. */
function asyncObstacles(record: GroupRecord, evidence: Evidence, isAlive: boolean): readonly string[] {
  const { reign, settings } = record;
  if (reign === null) return [];
  const standbys = cohortMembers(record).filter((node) => node !== reign.holder);
  const positions = standbys.map((node) => liveReport(record, evidence, node)?.postgres.position ?? null);
  const obstacles: string[] = [];
  if (evidence.lastKnownEnd === undefined)
    obstacles.push(
      `nobody here has heard where the WAL of ${nameOf(record, reign.holder)} ends, so nobody is promoted without it: bring it back, or accept a loss with \`pgbaton perform failover --allow-data-loss\``,
    );
  else if (!positions.some((position) => isCloseEnough(record, evidence, position)))
    obstacles.push(
      `every standby that is heard lacks more of the WAL of ${nameOf(record, reign.holder)} than maximum_lag_on_failover, ${settings.maximumLagOnFailover} bytes: bring that node back, or accept the loss with \`pgbaton perform failover --allow-data-loss\``,
    );
  if (!isAlive && record.intent === null)
    obstacles.push(
      `another node takes over when the lease of ${nameOf(record, reign.holder)} has ended in the store`,
    );
  return obstacles;
}

/** How much acknowledged or local WAL would be missing on a node if it were promoted now, bytes; null when not known. */
export function bytesAtRisk(record: GroupRecord, evidence: Evidence, node: NodeId): number | null {
  if (record.reign === null) return null;
  const holder = evidence.reports.find(({ report }) => report.node === record.reign?.holder)?.report.postgres
    .position;
  const own = liveReport(record, evidence, node)?.postgres.position;
  return holder == null || own == null ? null : lagBytes(holder.lsn, own.lsn);
}
