import { BatonError } from '../lib/baton-error.ts';
import type { NodeConfig } from './node-config.ts';

/** Who decides for a node: a monitor, or the keepers of its group by what stands in a store. */
export interface NodeHome {
  readonly kind: 'monitor' | 'store';
  readonly uri: string;
  readonly tokenFile: string | null;
}

/** Throws BATON_CONFIG_INVALID for a configuration that names none or both. */
export function homeOf({ monitor, store }: Pick<NodeConfig, 'monitor' | 'store'>): NodeHome {
  if (monitor.uri !== null && store.uri === null)
    return { kind: 'monitor', uri: monitor.uri, tokenFile: monitor.tokenFile };
  if (store.uri !== null && monitor.uri === null)
    return { kind: 'store', uri: store.uri, tokenFile: store.tokenFile };
  throw new BatonError(
    'BATON_CONFIG_INVALID',
    monitor.uri === null
      ? 'the configuration names neither "monitor.uri" nor "store.uri"'
      : 'the configuration names both "monitor.uri" and "store.uri"',
    {
      hint: 'A node has one of them: a monitor decides, or the keepers of the group by what stands in the store.',
    },
  );
}

/** Which kind of home a URI names. */
export function kindOfHome(uri: string): NodeHome['kind'] {
  return /^etcd(\+srv)?:/i.test(uri) ? 'store' : 'monitor';
}

/** A keeper's port where none was chosen: as far from each other as the servers of a machine are. */
const KEEPER_PORT_OFFSET = 10_000;

/** Where the keeper of a node listens that decides with the others. Throws BATON_CONFIG_INVALID where none can be derived. */
export function keeperPortOf({ keeper, postgres }: Pick<NodeConfig, 'keeper' | 'postgres'>): number {
  const port = keeper.port ?? postgres.port + KEEPER_PORT_OFFSET;
  if (port <= 65_535) return port;
  throw new BatonError('BATON_CONFIG_INVALID', `no keeper port follows from port ${postgres.port}`, {
    hint: 'Choose one with --keeper-port ("keeper.port").',
  });
}
