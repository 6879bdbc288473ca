import { Hono } from 'hono';
import * as z from 'zod/mini';
import type { MonitorService } from './monitor-service.ts';
import { readBody, readQuery } from './read-body.ts';
import { MaintenanceBody, RegisterNodeBody, UpdateNodeBody } from './schemas.ts';

const DropQuery = z.strictObject({ force: z._default(z.enum(['true', 'false']), 'false') });

/** The nodes of a formation: registration, role policy, maintenance, removal. */
export function nodeRoutes(monitor: MonitorService): Hono {
  return new Hono()
    .post('/:formation/nodes', async (c) =>
      c.json(await monitor.registerNode(c.req.param('formation'), await readBody(c, RegisterNodeBody)), 201),
    )
    .patch('/:formation/nodes/:name', async (c) =>
      c.json(await monitor.updateNode(c.req.param(), await readBody(c, UpdateNodeBody))),
    )
    .delete('/:formation/nodes/:name', async (c) => {
      const { force } = readQuery(c, DropQuery);
      return c.json(await monitor.dropNode(c.req.param(), { force: force === 'true' }));
    })
    .post('/:formation/nodes/:name/maintenance', async (c) => {
      const body = await readBody(c, MaintenanceBody);
      return c.json(await monitor.enableMaintenance(c.req.param(), { allowFailover: body.allow_failover }));
    })
    .delete('/:formation/nodes/:name/maintenance', async (c) =>
      c.json(await monitor.disableMaintenance(c.req.param())),
    );
}
