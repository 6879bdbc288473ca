import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { sleep } from '../../src/system/clock.ts';
import { readPidFile } from '../../src/system/pid-file.ts';
import { isAlive, sendSignal } from '../../src/system/process.ts';
import type { ClusterNode } from '../support/cluster-node.ts';
import { sharedCluster } from '../support/test-cluster.ts';
import { eventually } from '../support/test-monitor.ts';

const PATIENCE_MS = 30_000;

function fencerPid({ stateDirectory }: ClusterNode): Promise<number | undefined> {
  return readPidFile(join(stateDirectory, 'fencer.pid'));
}

/** The pid of a fencer that is not this one. */
async function fencerOf(node: ClusterNode, former?: number): Promise<number> {
  let pid: number | undefined;
  await eventually(
    'a fencer on guard',
    async () => {
      pid = await fencerPid(node);
      return pid !== undefined && pid !== former;
    },
    PATIENCE_MS,
  );
  return pid!;
}

async function ends(what: string, isOver: () => boolean): Promise<void> {
  await eventually(what, () => Promise.resolve(isOver()), PATIENCE_MS);
}

describe('a fencer beside the keeper of the primary', () => {
  const cluster = sharedCluster();
  before(async () => {
    await cluster().client.updateSettings('default', { crash_failovers: 100, fencing: 'on' });
  });

  test('a keeper hangs while its voters follow: PostgreSQL goes on, and nothing moves', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [primary, term] = [await cluster().primary(), await cluster().term()];
    const [postmaster, fencer] = [primary.postmasterPid(), await fencerOf(primary)];
    sendSignal(primary.keeper().pid, 'SIGSTOP');
    // Four times the detection time: what the fencer would do it has done by then.
    await sleep(12_000);
    await clients.progress();
    sendSignal(primary.keeper().pid, 'SIGCONT');
    await cluster().assertWhole(clients);
    assert.equal(await cluster().term(), term);
    assert.deepEqual([primary.postmasterPid(), await fencerPid(primary)], [postmaster, fencer]);
  });

  test('a keeper hangs while another reign begins: its PostgreSQL is ended, and it comes back as a standby', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [old, term] = [await cluster().primary(), await cluster().term()];
    await fencerOf(old);
    const postmaster = old.postmasterPid();
    sendSignal(old.keeper().pid, 'SIGSTOP');
    await cluster().waitUntilNode(old, 'its keeper to be missed', ({ connection }) =>
      connection.includes('!'),
    );
    await cluster().run('perform', 'failover');
    await cluster().newPrimary(term);
    await ends('the end of the old primary', () => !isAlive(postmaster));
    await clients.progress();
    sendSignal(old.keeper().pid, 'SIGCONT');
    await cluster().settled({ nodes: 3, afterTerm: term });
    await cluster().assertWhole(clients);
  });

  test('a fencer that is killed is replaced', async () => {
    const primary = await cluster().primary();
    const former = await fencerOf(primary);
    sendSignal(former, 'SIGKILL');
    await fencerOf(primary, former);
    await cluster().assertWhole();
  });

  test('a fencer that hangs is replaced', async () => {
    const primary = await cluster().primary();
    const former = await fencerOf(primary);
    sendSignal(former, 'SIGSTOP');
    await fencerOf(primary, former);
    await ends('the end of the former', () => !isAlive(former));
    await cluster().assertWhole();
  });

  test('keeper and fencer are both killed: PostgreSQL lives on, and the next keeper has a fencer again', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const primary = await cluster().primary();
    const [postmaster, former] = [primary.postmasterPid(), await fencerOf(primary)];
    sendSignal(former, 'SIGKILL');
    await primary.killKeeper();
    await clients.progress();
    await cluster().startKeeper(primary);
    await fencerOf(primary, former);
    assert.equal(primary.postmasterPid(), postmaster);
    await cluster().assertWhole(clients);
  });

  test('a keeper that is upgraded leaves its fencer, and the next one has one of its own', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const primary = await cluster().primary();
    const [postmaster, former] = [primary.postmasterPid(), await fencerOf(primary)];
    await cluster().run('stop', '--keep-postgres', '--pgdata', primary.pgdata);
    await sleep(5_000);
    assert.ok(isAlive(former), 'nobody else would end PostgreSQL now');
    await clients.progress();
    await cluster().startKeeper(primary);
    await fencerOf(primary, former);
    await ends('the end of the former', () => !isAlive(former));
    assert.equal(primary.postmasterPid(), postmaster);
    await cluster().assertWhole(clients);
  });

  test('when the setting is taken back it goes', async () => {
    const primary = await cluster().primary();
    const former = await fencerOf(primary);
    await cluster().client.updateSettings('default', { fencing: 'off' });
    await ends('its end', () => !isAlive(former));
    assert.equal(await fencerPid(primary), undefined);
    await cluster().assertWhole();
  });
});

describe('a watchdog', () => {
  const cluster = sharedCluster({ nodes: 2 });

  test('it is fed while its node is the primary, and closed with V when it is not any more', async (context) => {
    const primary = await cluster().primary();
    const device = join(cluster().directory, 'watchdog');
    execFileSync('mkfifo', ['-m', '666', device]);
    const reader = openSync(device, constants.O_RDONLY | constants.O_NONBLOCK);
    context.after(() => closeSync(reader));
    let written = '';
    const read = (): string => {
      const buffer = Buffer.alloc(1_000);
      try {
        written += buffer.toString('latin1', 0, readSync(reader, buffer));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
      return written;
    };
    await cluster().run('config', 'set', '--pgdata', primary.pgdata, 'watchdog.device', device);
    await cluster().run('config', 'set', '--pgdata', primary.pgdata, 'watchdog.mode', 'required');
    await primary.killKeeper();
    await cluster().startKeeper(primary);
    await ends('it to be fed', () => /^111/.test(read()));
    const term = await cluster().term();
    await cluster().run('perform', 'switchover');
    await cluster().settled({ afterTerm: term });
    await ends('it to be closed', () => /^1+V$/.test(read()));
  });

  test('a node that needs one and has none is not promoted, and says so', async () => {
    const standby = await cluster().standby();
    await cluster().run('config', 'set', '--pgdata', standby.pgdata, 'watchdog.device', '/nonexistent');
    await cluster().run('config', 'set', '--pgdata', standby.pgdata, 'watchdog.mode', 'required');
    await standby.killKeeper();
    await cluster().startKeeper(standby);
    const { exitCode, stderr } = await cluster().pgbaton(['perform', 'switchover', '--name', standby.name]);
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /the watchdog "\/nonexistent" can't be used/);
    await cluster().assertWhole();
  });
});
