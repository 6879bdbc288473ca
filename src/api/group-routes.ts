import { Hono } from 'hono';
import { addressOf } from './address-of.ts';
import type { MonitorService } from './monitor-service.ts';
import { readBody } from './read-body.ts';
import { toReport } from './report-schema.ts';
import { ArriveBody, FailoverBody, MoveBody, RecoverBody, ReportBody, SwitchoverBody } from './schemas.ts';
import { streamGroup } from './watch-stream.ts';

/** One group: its record, its evidence, planned and forced changes of primary, reports, the watch. */
export function groupRoutes(monitor: MonitorService, closing: AbortSignal): Hono {
  return new Hono()
    .get('/:formation/groups/:group', async (c) => c.json(await monitor.getGroup(addressOf(c))))
    .get('/:formation/groups/:group/evidence', async (c) => c.json(await monitor.getEvidence(addressOf(c))))
    .post('/:formation/groups/:group/switchover', async (c) =>
      c.json(await monitor.switchover(addressOf(c), await readBody(c, SwitchoverBody))),
    )
    .post('/:formation/groups/:group/failover', async (c) =>
      c.json(await monitor.failover(addressOf(c), await readBody(c, FailoverBody))),
    )
    .post('/:formation/groups/:group/reports', async (c) => {
      const { report, record } = await readBody(c, ReportBody);
      return c.json(await monitor.takeReport(addressOf(c), toReport(report), record));
    })
    .post('/:formation/groups/:group/recover', async (c) =>
      c.json(await monitor.recoverGroup(addressOf(c), await readBody(c, RecoverBody))),
    )
    .post('/:formation/groups/:group/move', async (c) =>
      c.json(await monitor.moveGroup(addressOf(c), await readBody(c, MoveBody))),
    )
    .post('/:formation/groups/:group/arrive', async (c) =>
      c.json(await monitor.arriveGroup(addressOf(c), await readBody(c, ArriveBody))),
    )
    .get('/:formation/groups/:group/watch', (c) => streamGroup(c, monitor, { ...addressOf(c), closing }));
}
