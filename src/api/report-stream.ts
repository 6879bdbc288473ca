import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { toBatonError } from '../lib/baton-error.ts';
import { addressOf } from './address-of.ts';
import type { GroupAddress } from './client.ts';
import { toErrorBody } from './errors.ts';
import type { MonitorService } from './monitor-service.ts';
import { checkBody, parseJson } from './read-body.ts';
import { toReport } from './report-schema.ts';
import { ReportBody } from './schemas.ts';
import { splitLines } from './split-lines.ts';

/**
 * `POST …/reports/stream`: one request that lasts as long as its keeper. Each
 * line of it is the body of a `POST …/reports`, and is answered by a line with
 * the answer, or with the error, in the same order. A request for each report
 * would cost four times as much of the processor, most of it for HTTP.
 */
export function reportStreamRoutes(monitor: MonitorService, closing: AbortSignal): Hono {
  return new Hono<{ Bindings: HttpBindings }>().post(
    '/:formation/groups/:group/reports/stream',
    async (c) => {
      const address = addressOf(c);
      // Here, where an unknown group is still an answer and not a stream that breaks.
      await monitor.getGroup(address);
      const { incoming, outgoing } = c.env;
      void answerReports(incoming as IncomingMessage, outgoing as ServerResponse, monitor, address, closing);
      return RESPONSE_ALREADY_SENT;
    },
  ) as unknown as Hono;
}

async function answerReports(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  monitor: MonitorService,
  address: GroupAddress,
  closing: AbortSignal,
): Promise<void> {
  const end = (): void => void incoming.destroy();
  closing.addEventListener('abort', end, { once: true });
  try {
    outgoing.writeHead(200, { 'content-type': 'application/x-ndjson' });
    outgoing.flushHeaders();
    incoming.setEncoding('utf8');
    for await (const line of splitLines(incoming as AsyncIterable<string>)) {
      outgoing.write(`${JSON.stringify(await answerTo(line, monitor, address))}\n`);
    }
    outgoing.end();
  } catch {
    // The keeper has gone, or the monitor goes: it connects again and tells everything anew.
    outgoing.destroy();
  } finally {
    closing.removeEventListener('abort', end);
  }
}

async function answerTo(line: string, monitor: MonitorService, address: GroupAddress): Promise<unknown> {
  try {
    const { report, record } = checkBody(ReportBody, parseJson(line));
    return await monitor.takeReport(address, toReport(report), record);
  } catch (error) {
    return toErrorBody(toBatonError(error));
  }
}
