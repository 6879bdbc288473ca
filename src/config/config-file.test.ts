import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { getConfigKey, readConfig, setConfigKey, writeConfig } from './config-file.ts';
import { MONITOR_CONFIG } from './monitor-config.ts';
import { NODE_CONFIG } from './node-config.ts';

function temporaryFile(context: TestContext, text?: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-config-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'pgbaton.yaml');
  if (text !== undefined) writeFileSync(file, text);
  return file;
}

const NODE_TEXT = `role: postgres
name: node1
hostname: localhost
monitor:
  uri: pgbaton://localhost:5000
postgres:
  data_directory: /data  # where it lives
  port: 5433
`;

test('what a file leaves out has its default', (context) => {
  const config = readConfig(NODE_CONFIG, temporaryFile(context, NODE_TEXT));
  assert.equal(config.formation, 'default');
  assert.equal(config.postgres.port, 5433);
  assert.equal(config.postgres.dataDirectory, '/data');
  assert.equal(config.ssl.mode, 'self-signed');
  assert.equal(config.replication.maximumBackupRate, '100M');
  assert.deepEqual(config.log, { level: 'info', format: 'auto' });
});

test('a wrong value is named with file, line and key', (context) => {
  const file = temporaryFile(context, NODE_TEXT.replace('5433', '70000'));
  assert.throws(() => readConfig(NODE_CONFIG, file), {
    code: 'BATON_CONFIG_INVALID',
    message: `"${file}", line 8: "postgres.port" must be at most 65535`,
  });
});

test('a missing key is named with the line of its section', (context) => {
  const file = temporaryFile(context, NODE_TEXT.replace('  data_directory: /data  # where it lives\n', ''));
  assert.throws(() => readConfig(NODE_CONFIG, file), {
    message: /line 6: the key "postgres.data_directory" is missing$/,
  });
});

test('an unknown key is refused with a suggestion', (context) => {
  const file = temporaryFile(context, NODE_TEXT.replace('data_directory', 'data_directori'));
  assert.throws(
    () => readConfig(NODE_CONFIG, file),
    (error: Error & { detail?: string }) => {
      const text = `${error.message} ${error.detail}`;
      assert.match(text, /line 7: unknown key "postgres.data_directori" \(did you mean "data_directory"\?\)/);
      return true;
    },
  );
});

test('malformed YAML is named with its line', (context) => {
  const file = temporaryFile(context, NODE_TEXT.replace('  port: 5433', '  port: "5433'));
  assert.throws(() => readConfig(NODE_CONFIG, file), { message: /line 8|line 9/ });
});

test('a file that does not exist says which command makes it', () => {
  assert.throws(() => readConfig(MONITOR_CONFIG, '/nonexistent/pgbaton.yaml'), {
    code: 'BATON_CONFIG_INVALID',
    hint: /pgbaton create monitor/,
  });
});

test('a key is changed and the comments stay', (context) => {
  const file = temporaryFile(context, NODE_TEXT);
  assert.equal(setConfigKey(NODE_CONFIG, file, 'postgres.port', '5444'), 5444);
  setConfigKey(NODE_CONFIG, file, 'log.level', 'debug');
  const text = readFileSync(file, 'utf8');
  assert.match(text, /data_directory: \/data +# where it lives\n {2}port: 5444\n/);
  assert.match(text, /log:\n {2}level: debug\n/);
  assert.equal(getConfigKey(NODE_CONFIG, file, 'log.level'), 'debug');
});

test('a change that would not be valid leaves the file as it was', (context) => {
  const file = temporaryFile(context, NODE_TEXT);
  assert.throws(() => setConfigKey(NODE_CONFIG, file, 'postgres.port', 'http'), {
    code: 'BATON_CONFIG_INVALID',
  });
  assert.throws(() => setConfigKey(NODE_CONFIG, file, 'postgres.prt', '1'), {
    code: 'BATON_USAGE',
    hint: 'Did you mean "postgres.port"?',
  });
  assert.equal(readFileSync(file, 'utf8'), NODE_TEXT);
});

test('a value that YAML reads as something else is taken as text where text is meant', (context) => {
  const file = temporaryFile(context, NODE_TEXT);
  assert.equal(setConfigKey(NODE_CONFIG, file, 'postgres.listen_addresses', '*'), '*');
});

test('a written file is read back as it was, is private, and explains every key', (context) => {
  for (const kind of [NODE_CONFIG, MONITOR_CONFIG] as const) {
    const file = temporaryFile(context);
    if (kind === NODE_CONFIG) {
      const config = readConfig(NODE_CONFIG, temporaryFile(context, NODE_TEXT));
      writeConfig(NODE_CONFIG, file, config);
      assert.deepEqual(readConfig(NODE_CONFIG, file), config);
    } else {
      const config = readConfig(
        MONITOR_CONFIG,
        temporaryFile(context, 'role: monitor\nhostname: localhost\n'),
      );
      writeConfig(MONITOR_CONFIG, file, config);
      assert.deepEqual(readConfig(MONITOR_CONFIG, file), config);
    }
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const text = readFileSync(file, 'utf8');
    for (const comment of Object.values(kind.comments)) assert.ok(text.includes(`# ${comment}`), comment);
  }
});
