import type { LocalView } from './action.ts';
import type { UpstreamNode } from './server-settings.ts';

/**
 * Whether a copy that has not become consistent yet is being started without
 * the source of the WAL that it still needs: a person was faster than its
 * keeper. It would neither accept connections nor end.
 */
export function startsWithoutSource(
  { copyOf, configured, postgres }: LocalView,
  source: Pick<UpstreamNode, 'host' | 'port'>,
): boolean {
  if (postgres.status !== 'starting' || copyOf === null) return false;
  const upstream = configured?.upstream;
  return upstream?.host !== source.host || upstream.port !== source.port;
}
