import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { sharedCluster } from '../support/test-cluster.ts';

interface Replay {
  readonly summary: { readonly same: number; readonly different: number; readonly gaps: number };
  readonly steps: readonly { readonly event: number; readonly rule?: string; readonly outcome: string }[];
}

describe('the incident of a real group', () => {
  const cluster = sharedCluster({ auth: 'scram-sha-256', monitorAuth: 'token' });

  test('a failover, a switchover and a restart of the monitor replay without a difference or a gap', async () => {
    const [old, term] = [await cluster().primary(), await cluster().term()];
    await old.killAllOfPostgres();
    await cluster().newPrimary(term);
    await cluster().settled({ nodes: 3, afterTerm: term });
    await cluster().monitor.kill();
    await cluster().monitor.start();
    await cluster().settled({ nodes: 3 });
    await cluster().run('perform', 'switchover', '--name', old.name);
    await cluster().settled({ nodes: 3, afterTerm: term + 1 });

    await cluster().run('show', 'events', '--export', 'incident.jsonl');
    const replay = JSON.parse(await cluster().run('replay', 'incident.jsonl', '--json')) as Replay;
    const odd = replay.steps.filter(({ outcome }) => outcome !== 'same' && outcome !== 'request');
    assert.deepEqual(odd, []);
    const rules = replay.steps.map(({ rule }) => rule);
    for (const rule of ['form_group', 'fail_over', 'elect_after_drain', 'begin_reign', 'confirm_reign'])
      assert.ok(rules.includes(rule), rule);
    assert.equal(replay.summary.same, rules.filter((rule) => rule !== undefined).length);
  });

  test('a person can read it without a monitor', async () => {
    const shown = await cluster().run('replay', 'incident.jsonl');
    assert.match(shown, /fail_over .*\n(.*\n)*.*begin_reign/);
    const event = / *(\d+) \|.* fail_over /.exec(shown)?.[1] ?? '';
    assert.match(await cluster().run('replay', 'incident.jsonl', '--at', event), /^node\d \(holder\) /m);
  });

  test('it holds no secret', () => {
    const text = readFileSync(join(cluster().directory, 'incident.jsonl'), 'utf8');
    const { stateDirectory } = cluster().node(1);
    const secrets = readFileSync(join(stateDirectory, 'secrets.json'), 'utf8');
    const token = readFileSync(join(stateDirectory, 'token'), 'utf8').trim();
    for (const secret of [token, ...Object.values(JSON.parse(secrets) as Record<string, string>)]) {
      assert.ok(secret.length > 20);
      assert.ok(!text.includes(secret));
    }
  });

  test('a word that was changed is found', async () => {
    await cluster().assertWhole();
    const text = readFileSync(join(cluster().directory, 'incident.jsonl'), 'utf8');
    const lines = text.split('\n').map((line) => line.replace('"rule":"fail_over"', '"rule":"renew_term"'));
    const { exitCode, stdout } = await replayText(lines.join('\n'));
    assert.equal(exitCode, 1);
    assert.match(stdout, /is different: another rule/);
  });

  async function replayText(text: string) {
    writeFileSync(join(cluster().directory, 'changed.jsonl'), text);
    return await cluster().pgbaton(['replay', 'changed.jsonl']);
  }
});
