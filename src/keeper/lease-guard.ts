import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalView } from '../core/action.ts';
import { mustEndForLease } from '../core/be-primary.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { closesInMs, needsLease } from '../core/lease.ts';
import type { PostgresServer } from '../postgres/postgres-server.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Ends a primary whose lease ends, whatever the keeper is doing in that moment. */
export interface LeaseGuard {
  /** Runs until `stop`; never throws. */
  run(): Promise<void>;
  stop(): void;
}

export interface LeaseGuardDependencies {
  readonly server: Pick<PostgresServer, 'stop'>;
  readonly log: Logger;
  /** What the keeper knows in this moment; undefined: no group yet. */
  readonly now: () => { readonly record: GroupRecord; readonly local: LocalView } | undefined;
  readonly onEnded: () => void;
}

/** What is left of the lease when this begins is more than that. */
const END = { timeoutMs: 1_500 };
const LOOK_MS = 500;
const LEAST_MS = 20;

export function createLeaseGuard({ server, log, now, onEnded }: LeaseGuardDependencies): LeaseGuard {
  const stopped = new AbortController();
  const { signal } = stopped;

  async function end(): Promise<void> {
    log.warn('the lease ends: PostgreSQL is ended before somebody else can be the primary');
    try {
      await server.stop('immediate', END);
    } catch (error) {
      // It is tried again at once; the fencer, where there is one, is next.
      log.error({ err: error }, 'PostgreSQL could not be ended for want of a lease');
    }
    onEnded();
  }

  return {
    async run() {
      while (!signal.aborted) {
        const seen = now();
        if (seen !== undefined && mustEndForLease(seen.record, seen.local)) await end();
        await sleep(pauseMs(seen), undefined, { signal, ref: false }).catch(() => undefined);
      }
    },
    stop: () => stopped.abort(),
  };
}

/** Until the lease may have to be looked at again. */
function pauseMs(seen: ReturnType<LeaseGuardDependencies['now']>): number {
  if (seen === undefined || !needsLease(seen.record)) return LOOK_MS;
  const { leaseLeftMs, leaseGraceMs } = seen.local;
  const dueMs = Math.max(closesInMs(seen.record, leaseLeftMs), leaseGraceMs);
  return Math.min(LOOK_MS, Math.max(LEAST_MS, dueMs));
}
