import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSession, type ClientSession } from '../clients/client-session.ts';
import { NO_GAP } from '../budgets.ts';
import type { Scenario } from '../scenario.ts';
import { lasting } from './steps.ts';

/** More than PostgreSQL has by default. */
const SESSIONS = 120;
const ARCHITECTURE = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const LIMITS = { connectMs: 5_000, queryMs: 20_000 };

export const loadAndClocks: readonly Scenario[] = [
  {
    title: 'clients take all connections of the primary',
    nodes: [2, 3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      const { place, port } = await stage.cluster.primary();
      const server = { host: place.address, port };
      stage.fault();
      const attempts = await Promise.allSettled(
        Array.from({ length: SESSIONS }, () => openSession(server, LIMITS)),
      );
      const sessions = attempts.filter((each) => each.status === 'fulfilled').map(({ value }) => value);
      try {
        if (sessions.length === SESSIONS) throw new Error('no session was refused');
        await lasting(8);
        await stage.clients.progress(200);
      } finally {
        closeAll(sessions);
      }
    },
  },
  {
    title: 'the clock of the primary jumps an hour forward, and back',
    nodes: [3],
    reign: 'changes',
    async play(stage) {
      const { cluster } = stage;
      const clock = join(cluster.directory, 'clock-of-a-node');
      writeFileSync(clock, '+0s\n');
      const node = await cluster.standby();
      await node.keeper().kill('SIGUSR2');
      stage.startBy(node, byClock(clock));
      await cluster.startKeeper(node);
      // Its keeper starts it again, by the same clock.
      const postmaster = node.postmasterPid();
      await node.killPostgres();
      await cluster.waitUntilNode(
        node,
        'its restart',
        () => (node.postmaster()?.pid ?? postmaster) !== postmaster,
      );
      await cluster.settled();
      await cluster.run('perform', 'switchover', '--name', node.name);
      stage.fault();
      for (const jump of ['+3600s', '-3600s', '+0s']) {
        const term = await cluster.term();
        writeFileSync(clock, `${jump}\n`);
        await lasting(6);
        await stage.clients.progress();
        if ((await cluster.term()) !== term) throw new Error('a clock has moved the baton');
      }
      await node.keeper().kill('SIGUSR2');
    },
  },
];

function closeAll(sessions: readonly ClientSession[]): void {
  for (const session of sessions) session.close();
}

/** Runs a program by the time that stands in a file; only its monotonic clock is the machine's. */
function byClock(file: string): readonly string[] {
  return [
    'env',
    `LD_PRELOAD=/usr/lib/${ARCHITECTURE}-linux-gnu/faketime/libfaketimeMT.so.1`,
    `FAKETIME_TIMESTAMP_FILE=${file}`,
    'FAKETIME_CACHE_DURATION=1',
    'DONT_FAKE_MONOTONIC=1',
  ];
}
