import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { monitorConfig } from '../../test/support/test-monitor.ts';
import { monitorFiles } from '../config/paths.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createManualClock } from '../../test/support/manual-clock.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import { createMonitorDirectory } from './create-monitor-directory.ts';
import { runMonitor } from './run-monitor.ts';

test('the directory of a monitor that has decided does not run as an observer', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'pgbaton-observer-'));
  context.after(() => rm(directory, { recursive: true }));
  const ssl = { mode: 'off', certFile: null, keyFile: null, caFile: null } as const;
  await createMonitorDirectory(directory, monitorConfig(1, { ssl, store: { uri: 'etcd://here' } }));
  await writeFile(monitorFiles(directory).storeFile, '');
  const openStore = () => createMemoryStore({ clock: createManualClock() });
  await assert.rejects(runMonitor(directory, { log: SILENT_LOGGER, openStore }), {
    code: 'BATON_CONFIG_INVALID',
    message: /is that of a monitor that decides/,
  });
});
