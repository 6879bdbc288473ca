import type { NodeId } from '../src/core/group-record.ts';
import type { Mutable } from './mutable.ts';
import { CLIENTS } from './virtual-network.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';
import type { World } from './world.ts';

/** Clients that write and read through a list of hosts, as libpq does with target_session_attrs=read-write. */
export interface Clients {
  begin(): void;
  readonly acknowledged: number;
  readonly lastAcknowledgedMs: number;
  /** Called back once, when the next write is acknowledged. */
  onNextWrite(told: () => void): void;
}

const TIMEOUT_MS = 2_000;
/** How often a session overrides the default of its server and writes all the same. */
const STUBBORN = 0.05;
/** How often a client writes while something is the matter, and how often in peace, ms. */
const DENSE_MS = 200;
const SPARSE_MS = 6_000;

export function createClients(world: World, nodes: readonly NodeId[], count: number): Clients {
  const { clock, network } = world;
  const random = world.randomOf('clients');
  /** Where each client is; counted up at each of its wake-ups, so that an earlier alarm does nothing. */
  const clients: { readonly place: number; wakeUps: number; isWaiting: boolean }[] = [];
  let nextValue = 1;
  let waiting: (() => void)[] = [];

  function pause(client: number): void {
    const me = clients[client]!;
    const wakeUp = (me.wakeUps += 1);
    const isUnrest = clock.nowMs < world.unrestUntilMs;
    me.isWaiting = !isUnrest;
    clock.after(random.exponential(isUnrest ? DENSE_MS : SPARSE_MS), () => {
      if (me.wakeUps === wakeUp) run(client);
    });
  }

  /** Sessions that only read connect to any node. */
  function readSomewhere(): void {
    const server = world.servers.get(random.pick(nodes));
    if (server?.isReadableAsPrimary() === true && server.visible !== undefined)
      world.checkers.observed(server, server.visible);
  }

  /** Of a primary that pgbaton has not opened: `SET transaction_read_only = off` is anybody's right. */
  function takesWrites(server: VirtualPostgres | undefined, isStubborn: boolean): boolean {
    if (!isStubborn) return server?.isWritable() === true;
    return server?.status === 'running' && server.role === 'primary' && server.effective?.locked === false;
  }

  function findPrimary(place: number, isStubborn: boolean): NodeId | undefined {
    for (const node of nodes) {
      if (takesWrites(world.servers.get(node), isStubborn) && network.canTalk(place, node)) return node;
    }
    return undefined;
  }

  function run(client: number): void {
    const me = clients[client]!;
    me.isWaiting = false;
    readSomewhere();
    const isStubborn = random.chance(STUBBORN);
    const target = findPrimary(me.place, isStubborn);
    const server = target === undefined ? undefined : world.servers.get(target);
    if (server === undefined || target === undefined) return pause(client);

    const value = (nextValue += 1);
    const attempt = me.wakeUps;
    const end = (): void => {
      if (me.wakeUps === attempt) pause(client);
    };
    network.send(me.place, target, () =>
      server.process.now(() => {
        if (!takesWrites(server, isStubborn)) return end();
        server.write('commit', value, (record) => {
          if (record === undefined) return end();
          world.checkers.acknowledged(server, record);
          self.acknowledged += 1;
          self.lastAcknowledgedMs = clock.nowMs;
          const told = waiting;
          waiting = [];
          for (const each of told) each();
          end();
        });
      }),
    );
    // Whatever became of the write, the client goes on; the commit itself is never cancelled.
    clock.after(TIMEOUT_MS, end);
  }

  /** Peace is over: nobody sleeps it away. */
  world.onUnrest = () => {
    for (const [client, { isWaiting }] of clients.entries()) if (isWaiting) pause(client);
  };

  const self: Mutable<Clients> = {
    begin() {
      // One on a machine of its own, the others beside a node: they still reach it when it is cut off.
      for (let client = 0; client < count; client++) {
        clients.push({ place: client === 0 ? CLIENTS : random.pick(nodes), wakeUps: 0, isWaiting: false });
        run(client);
      }
    },
    acknowledged: 0,
    lastAcknowledgedMs: 0,
    onNextWrite: (told) => void waiting.push(told),
  };
  return self;
}
