import { rest, step, type LocalView, type Rest, type Step } from './action.ts';
import type { GroupRecord } from './group-record.ts';

/** Whether the server has answered nothing at all for so long that it is ended where that helps. */
export function isHung(record: GroupRecord, { postgres, unansweredMs }: LocalView): boolean {
  return postgres.status === 'unresponsive' && unansweredMs >= record.settings.hangMs;
}

/**
 * What becomes of a server that answers nothing on a node that is not to be
 * the primary: one that clients may still see as the old primary is ended at
 * once, any other when it stays so.
 */
export function endHung(record: GroupRecord, local: LocalView): Step | Rest {
  if (local.postgres.role === 'primary' || local.servingTerm !== null)
    return step({ kind: 'stop', mode: 'immediate' }, 'the old primary does not answer and is ended');
  if (isHung(record, local))
    return step(
      { kind: 'stop', mode: 'immediate' },
      'PostgreSQL has not answered for long and is started anew',
    );
  return rest('PostgreSQL does not answer yet');
}
