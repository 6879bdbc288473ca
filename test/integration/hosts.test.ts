import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, describe, test } from 'node:test';
import { sleep } from '../../src/system/clock.ts';
import { readProcess } from '../../src/system/process.ts';
import { mountDisk } from '../support/hosts/disk.ts';
import type { Host } from '../support/hosts/host.ts';
import { startHostsRun, type HostsRun } from '../support/hosts/hosts-run.ts';
import { whyNoHosts } from '../support/hosts/host-tools.ts';
import { openNetwork, type Network } from '../support/hosts/network.ts';

const LIBRARY = resolve(import.meta.dirname, '../support/hosts');
const PORT = 7000;
const SILENT_MS = 400;

/** Answers everybody on its port. */
const SERVER = `require('node:net').createServer((s) => { s.on('error', () => {}); s.end('here'); }).listen(${PORT}, () => console.log('ready'))`;

/** Says what becomes of a connection: "here", an error, or nothing for a while. */
const CLIENT = `
  const socket = require('node:net').connect({ host: process.argv[1], port: ${PORT} });
  socket.on('data', (text) => done(String(text))).on('error', (error) => done(error.code));
  const timer = setTimeout(() => done('silence'), ${SILENT_MS});
  function done(what) { console.log(what); process.exit(); }`;

async function firstLine(host: Host, ...argv: readonly string[]): Promise<string> {
  const child = host.spawn([process.execPath, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
  assert(child.stdout !== null);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return line;
}

async function call(from: Host, to: Host): Promise<string> {
  const answer = await firstLine(from, '-e', CLIENT, to.address);
  // The client has said all that it had to say, but may still be ending.
  while (from.pids().length > 1) await sleep(5);
  return answer;
}

describe('hosts in network namespaces', { skip: whyNoHosts() ?? false }, () => {
  let run: HostsRun;
  let network: Network;
  let left: Host;
  let right: Host;
  let third: Host;

  before(async () => {
    run = startHostsRun();
    network = openNetwork(run);
    left = network.addHost('left');
    right = network.addHost('right');
    third = network.addHost('third');
    for (const host of network.hosts()) assert.equal(await firstLine(host, '-e', SERVER), 'ready');
  });
  afterEach(() => network.heal());
  after(() => {
    run.remove();
    assert.deepEqual(
      readdirSync('/run/netns').filter((name) => name.startsWith(run.name)),
      [],
    );
    assert.equal(existsSync(run.directory), false);
  });

  /** Who hears whom: `from>to: what became of it`. */
  async function calls(...pairs: readonly (readonly [Host, Host])[]): Promise<readonly string[]> {
    const answers: string[] = [];
    for (const [from, to] of pairs) {
      answers.push(`${from.name}>${to.name}: ${await call(from, to)}`);
    }
    return answers;
  }

  test('a host that is cut off reaches nobody and is reached by nobody, until it is healed', async () => {
    network.cut(left);
    assert.deepEqual(await calls([left, right], [right, left], [right, third]), [
      'left>right: silence',
      'right>left: silence',
      'right>third: here',
    ]);
    network.heal(left);
    assert.deepEqual(await calls([left, right], [right, left]), ['left>right: here', 'right>left: here']);
  });

  test('a host can be cut off from one other only', async () => {
    const heal = network.cut(left, { from: [right] });
    assert.deepEqual(await calls([left, right], [left, third]), ['left>right: silence', 'left>third: here']);
    heal();
    assert.deepEqual(await calls([left, right]), ['left>right: here']);
  });

  test('what is lost in one direction only can still be heard in the other', async () => {
    // A datagram needs no answer, so it shows one direction at a time.
    const listen = `require('node:dgram').createSocket('udp4').on('message', (m) => { console.log(String(m)); process.exit() }).bind(${PORT}); setTimeout(() => { console.log('silence'); process.exit() }, 1500)`;
    const send = (to: Host): string =>
      `const s = require('node:dgram').createSocket('udp4'); setInterval(() => s.send('heard', ${PORT}, '${to.address}'), 50); setTimeout(() => process.exit(), 1300); console.log('sent')`;
    const hears = async (from: Host, to: Host): Promise<string> => {
      const heard = firstLine(to, '-e', listen);
      await firstLine(from, '-e', send(to));
      return heard;
    };
    // Both have each other's hardware address already; only the datagrams are lost.
    await calls([left, right], [right, left]);
    network.cut(left, { direction: 'out' });
    assert.equal(await hears(left, right), 'silence');
    assert.equal(await hears(right, left), 'heard');
  });

  test('what is rejected is answered at once, at both ends', async () => {
    network.cut(left, { from: [right], how: 'reject' });
    assert.deepEqual(await calls([left, right], [right, left], [left, third]), [
      'left>right: ECONNREFUSED',
      'right>left: ECONNREFUSED',
      'left>third: here',
    ]);
  });

  test('a frozen host answers nobody, and goes on where it was when it is thawed', async () => {
    const pids = right.pids();
    network.freeze(right);
    assert.deepEqual(await calls([left, right]), ['left>right: silence']);
    assert(pids.every((pid) => readProcess(pid)?.state === 'T'));
    network.thaw(right);
    assert.deepEqual(await calls([left, right]), ['left>right: here']);
    assert.deepEqual(right.pids(), pids);
  });

  test('a host whose power is off has no process, and is silent rather than refusing', async () => {
    network.powerOff(third);
    assert.deepEqual(third.pids(), []);
    assert.deepEqual(await calls([left, third]), ['left>third: silence']);
    network.powerOn(third);
    assert.deepEqual(await calls([left, third]), ['left>third: ECONNREFUSED']);
  });

  test('a disk can be full, and empty again', () => {
    const disk = mountDisk(join(run.directory, 'disk'), { sizeMb: 16, user: 'postgres' });
    const file = join(disk.path, 'file');
    disk.fill();
    assert.throws(() => writeFileSync(file, 'x'.repeat(100_000)), { code: 'ENOSPC' });
    disk.free();
    writeFileSync(file, 'x'.repeat(100_000));
  });

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    test(`a run that is ended by ${signal} leaves nothing behind${signal === 'SIGKILL' ? ' once there is another' : ''}`, async () => {
      const program = `
        import { startHostsRun } from '${LIBRARY}/hosts-run.ts';
        import { openNetwork } from '${LIBRARY}/network.ts';
        import { mountDisk } from '${LIBRARY}/disk.ts';
        const run = startHostsRun();
        const host = openNetwork(run).addHost('lonely');
        host.spawn(['sleep', '1000'], { stdio: 'ignore' }).unref();
        const disk = mountDisk(run.directory + '/disk', { sizeMb: 16, user: 'root' });
        disk.freeze();
        setTimeout(() => console.log(run.name), 100);
        setInterval(() => {}, 1000);`;
      const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const [name] = (await once(createInterface(child.stdout), 'line')) as [string];
      const namespaces = (): readonly string[] =>
        readdirSync('/run/netns').filter((each) => each.startsWith(name));
      assert.notDeepEqual(namespaces(), []);
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
      if (signal === 'SIGKILL') {
        assert.notDeepEqual(namespaces(), []);
        const next = spawn(process.execPath, [
          '--input-type=module-typescript',
          '-e',
          `import { startHostsRun } from '${LIBRARY}/hosts-run.ts'; startHostsRun();`,
        ]);
        await once(next, 'exit');
      }
      assert.deepEqual(namespaces(), []);
      assert.equal(existsSync(join('/tmp', name)), false);
    });
  }
});
