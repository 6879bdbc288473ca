import { Hono } from 'hono';
import type { MonitorService } from './monitor-service.ts';
import { readBody } from './read-body.ts';
import { CreateFormationBody, SettingsPatchBody } from './schemas.ts';

/** Formations, their settings and their connection strings. */
export function formationRoutes(monitor: MonitorService): Hono {
  return new Hono()
    .get('/', async (c) => c.json(await monitor.listFormations()))
    .post('/', async (c) =>
      c.json(await monitor.createFormation(await readBody(c, CreateFormationBody)), 201),
    )
    .get('/:formation', async (c) => c.json(await monitor.getFormation(c.req.param('formation'))))
    .delete('/:formation', async (c) => {
      await monitor.dropFormation(c.req.param('formation'));
      return c.body(null, 204);
    })
    .get('/:formation/settings', async (c) => c.json(await monitor.getSettings(c.req.param('formation'))))
    .patch('/:formation/settings', async (c) =>
      c.json(await monitor.updateSettings(c.req.param('formation'), await readBody(c, SettingsPatchBody))),
    )
    .get('/:formation/uri', async (c) => c.json(await monitor.getUri(c.req.param('formation'))));
}
