import type { System } from '../system.ts';
import { patroni } from './patroni.ts';
import { pgAutoFailover } from './pg-auto-failover.ts';
import { pgbaton } from './pgbaton.ts';
import { repmgr } from './repmgr.ts';

/** In the order in which they are measured and shown. */
export const SYSTEMS: readonly System[] = [...pgbaton, ...patroni, ...pgAutoFailover, ...repmgr];
