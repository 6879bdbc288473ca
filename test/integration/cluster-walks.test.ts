import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeClusterDirectory, type ClusterDirectory } from '../support/cluster-directory.ts';
import { runPgbaton, startPgbaton } from '../support/cluster-process.ts';
import { freePort } from '../support/free-port.ts';
import { eventually } from '../support/test-monitor.ts';

/** The two command lines that a person types in one terminal, one directory and one set of variables at a time. */
async function startAndWait(
  directory: ClusterDirectory,
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const running = startPgbaton(name, args, { cwd: directory.path, env });
  directory.onStart(running);
  await eventually(`${name} runs`, async () => {
    const { exitCode } = await runPgbaton(['status'], { cwd: directory.path, env });
    assert.equal(running.ended(), undefined, directory.logs([]));
    return exitCode === 0;
  });
}

// Run as whoever runs the tests, root included: pgbaton itself becomes another user then.
describe('the local try-out, with the command lines of its document', () => {
  test('a monitor and two nodes, a switchover, and everything removed again', async (context) => {
    const directory = makeClusterDirectory();
    context.after(() => directory.remove());
    const ports = [await freePort(), await freePort(), await freePort()];
    const at = (name: string, index: number): NodeJS.ProcessEnv => ({
      PGDATA: `./${name}`,
      PGPORT: String(ports[index]),
    });
    const run = async (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> => {
      const { exitCode, stdout, stderr } = await runPgbaton(args, { cwd: directory.path, env });
      assert.equal(exitCode, 0, `pgbaton ${args.join(' ')}: ${stderr}\n${directory.logs([])}`);
      return stdout;
    };

    const createMonitor = 'create monitor --ssl-self-signed --hostname localhost --auth trust --run';
    await startAndWait(directory, 'monitor', createMonitor.split(' '), at('monitor', 0));
    const uri = (await run('show uri --monitor --pgdata ./monitor'.split(' '))).trim();
    assert.equal(uri, `pgbaton://localhost:${ports[0]}?sslmode=require`);

    const createNode = [
      ...'create postgres --hostname localhost --auth trust --ssl-self-signed --monitor'.split(' '),
      uri,
      '--run',
    ];
    await startAndWait(directory, 'node_1', createNode, at('node_1', 1));
    await startAndWait(directory, 'node_2', createNode, at('node_2', 2));
    const node2 = at('node_2', 2);
    await eventually('both nodes are at rest', async () => {
      const state = await run(['show', 'state'], node2);
      return /node_1 .* primary \| +primary\n.*node_2 .* secondary \| +secondary\n/.test(state);
    });
    assert.match(
      await run(['show', 'state'], node2),
      /Name \| +Node \| +Host:Port \| +TLI: LSN \| +Connection \| +Reported State \| +Assigned State\n/,
    );

    const shown = await run(['perform', 'switchover'], node2);
    assert.match(shown, /Time \| +Name \| +Node \| +Host:Port \| +Current State \| +Assigned State/);
    assert.match(shown, /node_1 .* draining/);
    assert.match(shown, /node_2 .* primary \| +primary/);

    const applications = (await run(['show', 'uri', '--formation', 'default'], node2)).trim();
    const hosts = `localhost:${ports[1]},localhost:${ports[2]}`;
    assert.equal(
      applications,
      `postgres://${hosts}/postgres?target_session_attrs=read-write&sslmode=require`,
    );

    await run(['stop'], at('node_1', 1));
    await run(['drop', 'node', '--destroy'], at('node_1', 1));
    await run(['drop', 'node', '--destroy'], node2);
    await run(['drop', 'monitor', '--destroy'], at('monitor', 0));
    const left = ['monitor', 'node_1', 'node_1.pgbaton', 'node_2', 'node_2.pgbaton'];
    assert.deepEqual(
      left.filter((name) => existsSync(join(directory.path, name))),
      [],
    );
  });
});
