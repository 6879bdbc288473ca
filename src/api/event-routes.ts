import { Hono } from 'hono';
import * as z from 'zod/mini';
import { Name } from './fields.ts';
import type { MonitorService } from './monitor-service.ts';
import { readQuery } from './read-body.ts';

const Digits = z.pipe(
  z.string().check(z.regex(/^\d{1,15}$/, { error: 'must be a whole number' })),
  z.transform(Number),
);

const EventsQuery = z.strictObject({
  formation: z.optional(Name),
  group: z.optional(Digits),
  after: z.optional(Digits),
  before: z.optional(Digits),
  details: z.optional(
    z.pipe(
      z.enum(['true', 'false']),
      z.transform((word) => word === 'true'),
    ),
  ),
  count: z._default(z.pipe(Digits, z.int().check(z.minimum(1), z.maximum(10_000))), 10),
});

/** The history: what was decided, and why. */
export function eventRoutes(monitor: MonitorService): Hono {
  return new Hono().get('/', async (c) => c.json(await monitor.listEvents(readQuery(c, EventsQuery))));
}
