import { connect } from 'node:net';
import { join } from 'node:path';
import { localHost, type Postmaster } from './postmaster.ts';
import { KEEPER_ROLE } from './server-options.ts';
import type { ServerContext } from './server-context.ts';

/** Tells whether the postmaster still lets new connections in. */
export interface FreshProbe {
  /** Starts a probe in the background when one is due; what the last one found wrong, null when nothing. */
  complaint(postmaster: Postmaster): string | null;
}

const EVERY_MS = 2_000;
const PATIENCE_MS = 2_000;

/**
 * A held session goes on answering when the postmaster hangs or is stopped,
 * and clients can't connect any more all the same. So once in a while a start
 * of a session is tried, up to the server's first answer, which can also be a
 * refusal: to refuse, it has to live.
 */
export function createFreshProbe({ options }: ServerContext): FreshProbe {
  let lastBeganMonotonicMs = Number.NEGATIVE_INFINITY;
  let running = false;
  let complaint: string | null = null;
  let pid: number | undefined;
  return {
    complaint(postmaster) {
      // What was wrong with an earlier postmaster says nothing of this one.
      if (pid !== postmaster.pid) complaint = null;
      pid = postmaster.pid;
      if (!running && options.now() - lastBeganMonotonicMs >= EVERY_MS) {
        running = true;
        lastBeganMonotonicMs = options.now();
        void answersInTime(localHost(postmaster, options.socketDirectory), postmaster.port).then(
          (answered) => {
            running = false;
            if (pid === postmaster.pid) {
              complaint = answered
                ? null
                : `the postmaster has not answered a new connection for ${PATIENCE_MS} ms`;
            }
          },
        );
      }
      return complaint;
    },
  };
}

/** Resolves with false only when nothing at all comes back: a socket that is gone is somebody else's finding. */
function answersInTime(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(host.startsWith('/') ? { path: join(host, `.s.PGSQL.${port}`) } : { host, port });
  const timer = setTimeout(() => finish(false), PATIENCE_MS);
  const finish = (answered: boolean): void => {
    clearTimeout(timer);
    socket.destroy();
    resolve(answered);
  };
  socket.unref();
  timer.unref();
  socket.once('connect', () => socket.write(startupMessage()));
  socket.once('data', () => finish(true));
  socket.once('error', () => finish(true));
  socket.once('close', () => finish(true));
  return promise;
}

function startupMessage(): Buffer {
  const protocolVersion = 196_608;
  const body = Buffer.from(`user\0${KEEPER_ROLE}\0database\0postgres\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(protocolVersion, 4);
  return Buffer.concat([head, body]);
}
