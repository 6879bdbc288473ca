import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalView } from '../core/action.ts';
import { mustEndForLease } from '../core/be-primary.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { closesInMs, needsLease } from '../core/lease.ts';
import { planUnwritten } from '../core/plan-unwritten.ts';
import type { PostgresServer } from '../postgres/postgres-server.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Ends a primary that must not go on, whatever the keeper is doing in that moment. */
export interface EndGuard {
  /** Runs until `stop`; never throws. */
  run(): Promise<void>;
  stop(): void;
}

export interface Seen {
  readonly record: GroupRecord;
  readonly local: LocalView;
}

export interface EndGuardDependencies {
  readonly server: Pick<PostgresServer, 'stop'>;
  readonly log: Logger;
  /** What the keeper knows and acts on in this moment; undefined: no group yet. */
  readonly now: () => Seen | undefined;
  /** The newest record, where the keeper acts on none: the disk under its journal does not take what is to be written. */
  readonly unwritten: () => Seen | undefined;
  readonly onEnded: () => void;
}

/** What is left of the lease when this begins is more than that. */
const END = { timeoutMs: 1_500 };
const LOOK_MS = 500;
const LEAST_MS = 20;
/** What a disk that hangs holds can't be killed, ms between two attempts. */
const AGAIN_MS = 10_000;

export function createEndGuard(deps: EndGuardDependencies): EndGuard {
  const { server, log } = deps;
  const stopped = new AbortController();
  const { signal } = stopped;
  const pause = (ms: number): Promise<void> =>
    sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);

  /** The look on which PostgreSQL was last ended: it says nothing any more. */
  let lastLook: LocalView['postgres'] | undefined;

  /** Returns whether it is down. */
  async function end(because: string): Promise<boolean> {
    log.warn(`PostgreSQL is ended: ${because}`);
    let isDown = true;
    try {
      await server.stop('immediate', END);
    } catch (error) {
      // It is tried again; the fencer, where there is one, is next.
      log.error({ err: error }, 'PostgreSQL could not be ended');
      isDown = false;
    }
    deps.onEnded();
    return isDown;
  }

  /** With the disk of a primary its journal may hang or be full, and clients would stay there, beside its successor. */
  async function endUnwritten({ record, local }: Seen): Promise<boolean> {
    const step = local.postgres === lastLook ? undefined : planUnwritten(record, local);
    if (step === undefined) return true;
    const isDown = await end(step.because);
    if (isDown) lastLook = local.postgres;
    return isDown;
  }

  return {
    async run() {
      while (!signal.aborted) {
        const seen = deps.now();
        if (seen !== undefined && mustEndForLease(seen.record, seen.local))
          await end('its lease ends, and somebody else may be the primary then');
        const unwritten = deps.unwritten();
        const isDone = unwritten === undefined || (await endUnwritten(unwritten));
        await pause(isDone ? pauseMs(seen) : AGAIN_MS);
      }
    },
    stop: () => stopped.abort(),
  };
}

/** Until the lease may have to be looked at again. */
function pauseMs(seen: Seen | undefined): number {
  if (seen === undefined || !needsLease(seen.record)) return LOOK_MS;
  const { leaseLeftMs, leaseGraceMs } = seen.local;
  const dueMs = Math.max(closesInMs(seen.record, leaseLeftMs), leaseGraceMs);
  return Math.min(LOOK_MS, Math.max(LEAST_MS, dueMs));
}
