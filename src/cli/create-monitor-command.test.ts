import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aCliContext } from '../../test/support/a-cli-context.ts';
import { runCli } from './run-cli.ts';

const CREATE = ['create', 'monitor', '--pgdata', '/nonexistent/observer'];
const STORE = ['--store', 'etcd://h1:2379/pgbaton'];

test('a monitor that only observes needs the token of the formations, lets in nobody without it, and names an etcd', async () => {
  const cases = [
    [STORE, /the token of the formation is needed/],
    [[...STORE, '--auth', 'trust', '--token-file', '/nonexistent/token'], /--store and --auth trust exclude/],
    [['--store', 'pgbaton://h1:5000', '--token-file', '/nonexistent/token'], /is not the URI of a store/],
  ] as const;
  for (const [line, text] of cases) {
    const context = aCliContext();
    assert.equal(await runCli([...CREATE, ...line], context), 2, line.join(' '));
    assert.match(context.written.stderr, text);
  }
});

test('a store that the environment names makes no observer of a monitor', async () => {
  let store: string | null | undefined;
  const context = aCliContext({
    env: { PGBATON_STORE: 'etcd://h1:2379/pgbaton' },
    services: {
      createMonitor({ config }) {
        store = config.store.uri;
        return Promise.resolve({ uri: 'pgbaton://desk:5000', configFile: '', tokenFile: null });
      },
    },
  });
  assert.equal(await runCli(CREATE, context), 0, context.written.stderr);
  assert.equal(store, null);
});
