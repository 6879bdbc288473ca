/** The monitor as a process of its own: `node monitor-main.ts <directory>`, the directory from PGDATA if not given. */
import { toBatonError } from '../lib/baton-error.ts';
import { runMonitor } from '../monitor/run-monitor.ts';
import { onSignals } from './signals.ts';

try {
  const directory = process.argv[2] ?? process.env['PGDATA'] ?? '.';
  const monitor = await runMonitor(directory);
  onSignals({ reload: () => monitor.reload(), stop: () => monitor.stop() });
} catch (thrown) {
  const error = toBatonError(thrown);
  const lines = [`pgbaton: ${error.message}`];
  if (error.detail !== undefined) lines.push(`DETAIL: ${error.detail}`);
  if (error.hint !== undefined) lines.push(`HINT: ${error.hint}`);
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exitCode = 1;
}
