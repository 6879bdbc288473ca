import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeBlock, renderHbaBlock, renderIdentBlock } from './hba.ts';
import { settingNames, withIncludes, withoutSettings } from './configuration-text.ts';
import { capabilitiesOf } from './capabilities.ts';
import {
  conninfo,
  namesOfStandby,
  NOBODY,
  quoteSetting,
  renderDefaults,
  renderManagedSettings,
} from './managed-settings.ts';
import type { ManagedSettings } from './postgres-server.ts';
import type { PostgresServerOptions } from './server-options.ts';

const OPTIONS: PostgresServerOptions = {
  dataDirectory: '/data',
  stateDirectory: '/state',
  binDirectory: '/bin',
  port: 5432,
  listenAddresses: '*',
  socketDirectory: '/socket',
  hostname: 'one',
  username: 'postgres',
  dbname: 'postgres',
  auth: 'scram-sha-256',
  ssl: { mode: 'on', certFile: '/c.crt', keyFile: '/c.key' },
  secrets: { keeperPassword: 'keeper-secret', replicationPassword: 'replication-secret' },
  hbaLan: false,
  skipHba: false,
  now: () => 0,
};

const SETTINGS: ManagedSettings = {
  upstream: { host: 'two', port: 5433, applicationName: 'pgbaton_1@7', slot: 'pgbaton_1' },
  synchronousStandbyNames: 'ANY 1 ("pgbaton_2@7")',
  readOnly: true,
  locked: true,
  peers: ['two', '10.0.0.3', 'fd00::1', 'localhost'],
};

function render(settings: ManagedSettings): { readonly text: string; readonly digest: string } {
  const files = { passfile: "/state/it's a passfile" };
  const block = renderHbaBlock(OPTIONS, settings, 'postgres');
  return renderManagedSettings(OPTIONS, files, settings, settings.synchronousStandbyNames, block);
}

test('the settings name the upstream with its tag, and no password', () => {
  const { text } = render(SETTINGS);
  assert.match(
    text,
    /^primary_conninfo = '.*host=two port=5433 application_name=pgbaton_1@7 .*sslmode=require/m,
  );
  assert.match(text, /^primary_slot_name = 'pgbaton_1'$/m);
  assert.match(text, /^synchronous_standby_names = 'ANY 1 \("pgbaton_2@7"\)'$/m);
  assert.match(text, /^default_transaction_read_only = 'on'$/m);
  assert.doesNotMatch(text, /secret/);
});

test('without an upstream there is nothing to connect to', () => {
  const { text } = render({ ...SETTINGS, upstream: null });
  assert.match(text, /^primary_conninfo = ''$/m);
  assert.match(text, /^primary_slot_name = ''$/m);
});

test('the digest changes with the settings and with the HBA entries', () => {
  const digests = [
    SETTINGS,
    { ...SETTINGS, locked: false },
    { ...SETTINGS, readOnly: false },
    { ...SETTINGS, peers: [] },
  ].map((settings) => render(settings).digest);
  assert.equal(new Set(digests).size, digests.length);
  assert.equal(render(SETTINGS).digest, digests[0]);
});

test('values survive both quotings', () => {
  assert.equal(quoteSetting(`a'b\\c`), `'a''b\\\\c'`);
  assert.equal(conninfo({ passfile: `/it's\\here`, host: 'two' }), `passfile='/it\\'s\\\\here' host=two`);
});

test('a standby without voters names somebody who never comes', () => {
  assert.equal(namesOfStandby({ ...SETTINGS, synchronousStandbyNames: '' }), NOBODY);
  assert.equal(namesOfStandby(SETTINGS), SETTINGS.synchronousStandbyNames);
});

test('HBA lets the peers in for replication and pg_rewind, over TLS, and rejects the rest when locked', () => {
  const block = renderHbaBlock(OPTIONS, SETTINGS, 'postgres').split('\n');
  assert.ok(block.includes('hostssl replication pgbaton_replicator two scram-sha-256'));
  assert.ok(block.includes('hostssl postgres pgbaton_replicator 10.0.0.3/32 scram-sha-256'));
  assert.ok(block.includes('hostssl replication pgbaton_replicator fd00::1/128 scram-sha-256'));
  assert.ok(block.includes('hostssl replication pgbaton_replicator 127.0.0.1/32 scram-sha-256'));
  const reject = block.indexOf('local all all reject');
  assert.ok(reject > block.indexOf('local postgres pgbaton_keeper scram-sha-256'));
  assert.ok(reject < block.indexOf('local all "postgres" peer'));
  assert.ok(!renderHbaBlock(OPTIONS, { ...SETTINGS, locked: false }, 'postgres').includes('reject'));
});

test('a superuser with another name than the operating system user gets in by a map', () => {
  assert.equal(renderIdentBlock(OPTIONS, 'postgres'), '');
  assert.match(renderIdentBlock(OPTIONS, 'dba'), /^pgbaton "dba" "postgres"$/m);
  assert.match(renderHbaBlock(OPTIONS, SETTINGS, 'dba'), /^local all "postgres" peer map=pgbaton$/m);
});

test('the block stands in front of the lines of others, once, and leaves them alone', () => {
  const own = '# mine\nhost all all 10.0.0.0/8 md5\n';
  const first = mergeBlock(own, renderHbaBlock(OPTIONS, SETTINGS, 'postgres'));
  const second = mergeBlock(first, renderHbaBlock(OPTIONS, { ...SETTINGS, peers: [] }, 'postgres'));
  assert.ok(second.endsWith(own));
  assert.ok(!second.includes('two'));
  assert.equal(mergeBlock(second, renderHbaBlock(OPTIONS, { ...SETTINGS, peers: [] }, 'postgres')), second);
});

test('postgresql.conf includes the defaults first and the decisions last, once each', () => {
  const text = withIncludes('port = 1\n\n');
  assert.equal(
    text,
    "include_if_exists = 'pgbaton.defaults.conf'\nport = 1\ninclude_if_exists = 'pgbaton.conf'\n",
  );
  assert.equal(withIncludes(`${text}work_mem = 1\n`).split('pgbaton.conf').length, 2);
});

test('settings are found and taken out by name, however they are written', () => {
  const text = "# port = 1\nPort = 2\nwork_mem '1MB'\npgbaton.x = 1\n";
  assert.deepEqual(settingNames(text), ['port', 'work_mem', 'pgbaton.x']);
  assert.equal(withoutSettings(text, ['port']), "# port = 1\nwork_mem '1MB'\npgbaton.x = 1\n");
});

test('a version is given only the settings that it knows: with others it would not start', () => {
  const method = "recovery_init_sync_method = 'syncfs'";
  assert.ok(!renderDefaults(capabilitiesOf(130_000)).includes('recovery_init_sync_method'));
  assert.ok(renderDefaults(capabilitiesOf(140_000)).includes(method));
});
