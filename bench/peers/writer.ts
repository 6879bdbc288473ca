/**
 * The client of the benchmark, a program of its own: `writer.ts NAME FILE PAUSE_MS HOST:PORT…`.
 * It behaves as a pool with `target_session_attrs=read-write` does: it keeps a
 * connection to every server, writes on the one that takes writes, and as soon
 * as that one has not answered for a while it asks all others every 10 ms. A
 * row whose fate is unknown is never tried again. Each acknowledgement becomes
 * a line of the file: time in ms on the machine's monotonic clock, the server, the row's id.
 */
import { createWriteStream } from 'node:fs';
import { Socket } from 'node:net';
import pg from 'pg';
import { sleep } from '../../src/system/clock.ts';

const [name = '', file = '', pause = '', ...servers] = process.argv.slice(2);

const CONNECT_MS = 500;
const ASK_EVERY_MS = 10;
/** A commit takes a few ms; after this time the others are asked as well. */
const PATIENCE_MS = 100;

const out = createWriteStream(file, { flags: 'a' });
let lastId = Date.now() * 1_000;

interface Door {
  readonly server: string;
  readonly client: pg.Client | undefined;
  open(): Promise<void>;
  close(): void;
}

const doors = servers.map(makeDoor);
for (;;) {
  const door = await findWritable(doors);
  await writeUntilAnotherIsBetter(door);
}

async function writeUntilAnotherIsBetter(door: Door): Promise<void> {
  while (door.client !== undefined) {
    const id = ++lastId;
    const insert = door.client.query('insert into bench_rows (writer, id) values ($1, $2)', [name, id]).then(
      () => acknowledge(door.server, id),
      () => door.close(),
    );
    const isQuick = await Promise.race([insert.then(() => true), sleep(PATIENCE_MS).then(() => false)]);
    if (!isQuick && (await isLeft(door, insert))) return;
    await sleep(Number(pause));
  }
}

/** Waits for a slow insert and for another server that takes writes; whether the latter came first. */
async function isLeft(door: Door, insert: Promise<void>): Promise<boolean> {
  const others = doors.filter((other) => other !== door);
  if (others.length === 0) {
    await insert;
    return false;
  }
  const settled = new AbortController();
  const found = findWritable(others, settled.signal).then(() => true);
  const isOver = insert.then(() => false);
  const left = await Promise.race([found, isOver]);
  settled.abort();
  if (left) door.close();
  return left;
}

function acknowledge(server: string, id: number): void {
  out.write(`${Number(process.hrtime.bigint()) / 1e6} ${server} ${id}\n`);
}

/** The first that takes writes, all of them asked at the same time. After an abort nobody is asked any more. */
function findWritable(candidates: readonly Door[], signal?: AbortSignal): Promise<Door> {
  const found = new AbortController();
  return new Promise((resolve) => {
    const watch = async (door: Door): Promise<void> => {
      while (!found.signal.aborted && signal?.aborted !== true) {
        if (await isWritable(door)) {
          found.abort();
          return resolve(door);
        }
        await sleep(ASK_EVERY_MS);
      }
    };
    for (const door of candidates) void watch(door);
  });
}

async function isWritable(door: Door): Promise<boolean> {
  await door.open();
  if (door.client === undefined) return false;
  const answer = door.client.query<{ transaction_read_only: string }>('show transaction_read_only').then(
    ({ rows }) => rows[0]?.transaction_read_only,
    () => undefined,
  );
  const value = await Promise.race([answer, sleep(CONNECT_MS).then(() => undefined)]);
  // Whoever does not answer is asked over a new connection the next time.
  if (value === undefined) door.close();
  return value === 'off';
}

function makeDoor(server: string): Door {
  const [host, port] = server.split(':');
  let client: pg.Client | undefined;
  let opening: Promise<void> | undefined;
  let socket = new Socket();

  async function connect(): Promise<void> {
    const mine = new Socket();
    socket = mine;
    const next = new pg.Client({
      host,
      port: Number(port),
      user: 'postgres',
      database: 'postgres',
      ssl: false,
      stream: () => mine,
      connectionTimeoutMillis: CONNECT_MS,
      application_name: 'bench writer',
    });
    const lose = (): void => {
      mine.destroy();
      if (client === next) client = undefined;
    };
    next.on('error', lose);
    next.on('end', lose);
    try {
      await next.connect();
      client = next;
    } catch {
      lose();
    }
  }

  return {
    server,
    close() {
      client = undefined;
      socket.destroy();
    },
    get client() {
      return client;
    },
    async open() {
      if (client !== undefined) return;
      // Two who ask at the same time share the attempt.
      opening ??= connect().finally(() => (opening = undefined));
      await opening;
    },
  };
}
