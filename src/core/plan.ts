import { rest, step, type LocalView, type Rest, type Step } from './action.ts';
import { bePrimary } from './be-primary.ts';
import { beStandby } from './be-standby.ts';
import { takePartIn } from './change-reign.ts';
import { isForeign } from './evidence.ts';
import { cohortMembers, findNode, nameOf, type GroupRecord, type NodeEntry } from './group-record.ts';

/**
 * What a keeper does next. Pure: the next step is computed anew from the
 * record and what is seen after every step, so a keeper that was killed
 * between two steps goes on where it was.
 */
export function plan(record: GroupRecord, local: LocalView): Step | Rest {
  const me = findNode(record, local.node);
  if (me === undefined || mayLeave(record, me)) return leave(local);
  // A primary that has lost the baton is stopped in maintenance too: it would look writable, and no commit would end.
  const isLeftAlone = me.maintenance && !isNeeded(record, me) && local.postgres.role !== 'primary';
  if (isLeftAlone) return rest(`${nameOf(record, me.id)} is in maintenance`);

  // I11: it neither pledges nor reigns nor follows, and nothing of it is touched.
  if (isForeign(record, local.postgres))
    return rest(
      `its system identifier is ${local.postgres.systemIdentifier}, that of the group is ${record.systemIdentifier}`,
    );
  const { intent, reign } = record;
  const promised = local.pledge?.term ?? 0;
  // It stood by when it gave its word: only somebody else can have promoted it since (I14).
  if (isPrimary(local) && promised > (reign?.term ?? 0))
    return step(
      { kind: 'stop', mode: 'immediate' },
      `it has pledged term ${promised}, and was promoted outside of the group since`,
    );
  if (intent !== null) {
    const step = takePartIn(record, intent, local);
    if (step !== undefined) return step;
  }
  if (reign === null) return rest('the group has no reign yet');
  if (reign.holder === local.node)
    return intent === null || intent.stage === 'drain'
      ? bePrimary(record, reign, local)
      : rest('another term is being prepared');
  return beStandby(record, reign, local);
}

function isPrimary({ postgres }: LocalView): boolean {
  return postgres.status === 'running' && postgres.role === 'primary';
}

function mayLeave(record: GroupRecord, me: NodeEntry): boolean {
  return me.dropping !== 'no' && !isNeeded(record, me);
}

/** Whether the group counts on this node: its commits, its pledge or its baton. */
function isNeeded(record: GroupRecord, me: NodeEntry): boolean {
  return record.reign?.holder === me.id || cohortMembers(record).includes(me.id);
}

function leave(local: LocalView): Step | Rest {
  const { status } = local.postgres;
  if (status === 'stopped' || status === 'absent' || status === 'crashed' || status === 'incomplete')
    return rest('this node was dropped from its group');
  return step({ kind: 'leave' }, 'this node was dropped from its group');
}
