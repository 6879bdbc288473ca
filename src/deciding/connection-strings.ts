import type { FormationUriBody } from '../api/schemas.ts';
import type { GroupRecord } from '../core/group-record.ts';

/** Multi-host URIs for the applications: libpq finds the writable server among them by itself. */
export function formationUris(record: GroupRecord, sslmode: 'require' | 'prefer'): FormationUriBody {
  const hosts = record.nodes
    .filter(({ dropping }) => dropping === 'no')
    .map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
    .join(',');
  const uri = (target: string): string =>
    `postgres://${hosts}/${encodeURIComponent(record.settings.dbname)}?target_session_attrs=${target}&sslmode=${sslmode}`;
  return {
    formation: record.formation,
    read_write_uri: uri('read-write'),
    // Standbys if there are any, else the primary; needs a client of PostgreSQL 14 or newer.
    read_only_uri: uri('prefer-standby'),
  };
}
