import type { GroupAddress, MonitorClient } from '../../api/client.ts';
import type { EventBody } from '../../api/schemas.ts';
import { VERSION } from '../../lib/version.ts';
import type { Evidence } from '../../core/evidence.ts';
import { incidentHeader, type Incident, type IncidentEntry } from './incident-file.ts';

/** An event with its records is several kB: the monitor must not be held up by many of them at once. */
const PAGE = 50;

/** The newest `count` events of a group, with all that is needed to replay its decisions. */
export async function exportIncident(
  client: Pick<MonitorClient, 'listEvents'>,
  address: GroupAddress,
  options: { readonly count: number; readonly now: Date },
): Promise<Incident> {
  const events = await readBack(client, address, options.count);
  const about = { pgbaton: VERSION, exported_at: options.now.toISOString(), ...address };
  return { header: incidentHeader(about), entries: toEntries(events) };
}

async function readBack(
  client: Pick<MonitorClient, 'listEvents'>,
  address: GroupAddress,
  count: number,
): Promise<readonly EventBody[]> {
  let events: readonly EventBody[] = [];
  while (events.length < count) {
    const oldest = events[0];
    const page = await client.listEvents({
      ...address,
      count: Math.min(PAGE, count - events.length),
      details: true,
      ...(oldest === undefined ? {} : { before: oldest.id }),
    });
    if (page.length === 0) break;
    events = [...page, ...events];
  }
  return events;
}

/** Says of each change which record it read; where the change before it is missing, that there is a gap. */
export function toEntries(events: readonly EventBody[]): readonly IncidentEntry[] {
  let previous: EventBody | undefined;
  return events.map((event) => {
    const { id, at, kind, node, rule, because, term, record_version, inputs, record } = event;
    const plain = {
      id,
      at,
      kind,
      because,
      term,
      record_version,
      ...(node === undefined ? {} : { node }),
      ...(rule === undefined ? {} : { rule }),
      ...(inputs === undefined ? {} : { inputs: inputs as Evidence }),
    };
    if (record === undefined) return plain;
    const read = event.record_read ?? (event.follows === previous?.record_version ? 'previous' : 'unknown');
    previous = event;
    return { ...plain, read, record };
  });
}
