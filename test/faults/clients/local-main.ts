/**
 * The client that fencing is for: it sits on the host of one node and asks
 * nobody whether its server is the primary. One loop writes whatever the role
 * and the defaults of the server are; one asks the server whether it is open
 * for writing, and reads the lists.
 *
 *   node local-main.ts <name> <log file> <host:port>
 */
import { sleep } from '../../../src/system/clock.ts';
import { again, runClient } from './client-main.ts';
import { clientLog, machineMs } from './client-log.ts';
import { isRefusal, nameOf, openSession, type ClientSession, type Server } from './client-session.ts';
import { insertRow } from './statements.ts';

const PROBE_PAUSE_MS = 40;
const LOOK_PAUSE_MS = 25;
/** Each attempt makes the server fork: it may have to recover meanwhile. */
const RECONNECT_PAUSE_MS = 150;
/** A commit that waits for standbys which never come is waited for that long. */
const PROBE_LIMITS = { connectMs: 1_000, queryMs: 10_000 };
const LOOK_LIMITS = { connectMs: 1_000, queryMs: 1_000 };

const [name = '', logFile = '', address = ''] = process.argv.slice(2);
const [host = '', port] = address.split(':');
const server: Server = { host, port: Number(port) };
const log = clientLog(logFile);

/** Does something over a session that is opened again when it is broken. */
function onServer(
  limits: typeof PROBE_LIMITS,
  pauseMs: number,
  work: (session: ClientSession) => Promise<void>,
): (signal: AbortSignal) => Promise<void> {
  let session: ClientSession | undefined;
  return again(pauseMs, async (signal) => {
    try {
      if (session === undefined || session.isBroken) session = await openSession(server, limits);
      await work(session);
    } catch {
      // Not there, starting, stopping or locked: that is what it waits for.
      session?.close();
      await sleep(RECONNECT_PAUSE_MS, signal);
    }
  });
}

async function isInRecovery(session: ClientSession): Promise<boolean> {
  const [row] = await session.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
  return row?.standby !== false;
}

let lastId = 0;
async function probe(session: ClientSession): Promise<void> {
  // Asked first, or a standby's log would hold nothing but refusals.
  if (await isInRecovery(session)) return;
  const sentMs = machineMs();
  try {
    log(await insertRow(session, name, ++lastId, true));
  } catch (error) {
    const atMs = machineMs();
    if (isRefusal(error)) log({ kind: 'error', server: nameOf(server), code: error.code, atMs });
    else log({ kind: 'unknown', server: nameOf(server), sentMs, atMs });
    throw error;
  }
}

const LOOK = `select not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off' as open,
  (select json_agg(l) from (select key, elements from fault_lists order by key) l) as lists`;

const seen = new Map<number, readonly number[]>();
async function look(session: ClientSession): Promise<void> {
  const sentMs = machineMs();
  const [row] = await session.query<{
    open: boolean;
    lists: { key: number; elements: number[] }[] | null;
  }>(LOOK);
  const atMs = machineMs();
  if (row?.open === true) log({ kind: 'open', server: nameOf(server), sentMs, atMs });
  for (const { key, elements } of row?.lists ?? []) {
    const before = seen.get(key) ?? [];
    const kept = commonLength(before, elements);
    if (kept === before.length && kept === elements.length) continue;
    seen.set(key, elements);
    log({ kind: 'list', server: nameOf(server), key, kept, added: elements.slice(kept), atMs });
  }
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((element, index) => element !== b[index]);
  return differs < 0 ? a.length : differs;
}

await runClient([onServer(PROBE_LIMITS, PROBE_PAUSE_MS, probe), onServer(LOOK_LIMITS, LOOK_PAUSE_MS, look)]);
process.exit();
