/** The monitor as a process of its own: `node monitor-main.ts <directory>`, the directory from PGDATA if not given. */
import { openStore } from '../keeper/open-store.ts';
import { toBatonError } from '../lib/baton-error.ts';
import { runMonitor } from '../monitor/run-monitor.ts';
import { onSignals } from './signals.ts';

async function main(): Promise<void> {
  try {
    const monitor = await runMonitor(process.argv[2] ?? process.env['PGDATA'] ?? '.', {
      openStore: (uri) => openStore(uri, process.env),
    });
    onSignals({ reload: () => monitor.reload(), stop: () => monitor.stop() });
  } catch (thrown) {
    const { message, detail, hint } = toBatonError(thrown);
    const lines = [`pgbaton: ${message}`];
    if (detail !== undefined) lines.push(`DETAIL: ${detail}`);
    if (hint !== undefined) lines.push(`HINT: ${hint}`);
    process.stderr.write(`${lines.join('\n')}\n`);
    process.exitCode = 1;
  }
}

void main();
