/**
 * The application: it is given the addresses of all nodes, finds the one that
 * accepts writes, and stays there until that breaks. One loop writes rows with
 * ids of its own; one appends to lists, whose order tells more than a set of
 * rows does.
 *
 *   node writer-main.ts <name> <log file> <host:port>...
 */
import { again, runClient } from './client-main.ts';
import { clientLog, machineMs } from './client-log.ts';
import { isRefusal, type ClientSession } from './client-session.ts';
import { createPrimaryFinder } from './find-primary.ts';
import { appendToList, insertRow } from './statements.ts';

const ROW_PAUSE_MS = 4;
const APPEND_PAUSE_MS = 50;
const LISTS = 8;

const [name = '', logFile = '', ...addresses] = process.argv.slice(2);
const servers = addresses.map((address) => {
  const [host = '', port] = address.split(':');
  return { host, port: Number(port) };
});
const log = clientLog(logFile);

/** Looks for the primary whenever the last one is gone, and does one write there. */
function onPrimary(write: (session: ClientSession) => Promise<void>, pauseMs: number) {
  return async (signal: AbortSignal): Promise<void> => {
    const finder = createPrimaryFinder(servers, signal);
    let session: ClientSession | undefined;
    const once = again(pauseMs, async () => {
      if (session === undefined || session.isBroken) session = await finder.find();
      if (session === undefined) return;
      const { server } = session;
      const sentMs = machineMs();
      try {
        await write(session);
      } catch (error) {
        if (isRefusal(error)) {
          log({ kind: 'error', server, code: error.code, atMs: machineMs() });
          // It is none any more, perhaps: ask all of them again.
          session = undefined;
        } else {
          session.close();
          log({ kind: 'unknown', server, sentMs, atMs: machineMs() });
        }
      }
    });
    await once(signal);
    finder.close();
  };
}

let lastId = 0;
let lastElement = 0;
await runClient([
  onPrimary(async (session) => log(await insertRow(session, name, ++lastId)), ROW_PAUSE_MS),
  onPrimary(async (session) => {
    const element = ++lastElement;
    log(await appendToList(session, element % LISTS, element));
  }, APPEND_PAUSE_MS),
]);
process.exit();
