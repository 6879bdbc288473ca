import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CliServices, RunningService } from '../cli/cli-services.ts';
import { monitorFiles, nodeFiles } from '../config/paths.ts';
import { BatonError, toBatonError } from '../lib/baton-error.ts';
import { isAlive, sendSignal } from '../system/process.ts';

const STOP_POSTGRES = { timeoutMs: 60_000 };

/**
 * What the command line needs of the layers below, each loaded when it is
 * called: `show state` must not pay for the keeper.
 */
export function createServices(env: NodeJS.ProcessEnv): CliServices {
  return {
    async createMonitor({ directory, config, token }) {
      await dropMonitorPrivileges(directory);
      const { createMonitorDirectory } = await import('../monitor/create-monitor-directory.ts');
      return createMonitorDirectory(directory, config, token);
    },
    async runMonitor(directory) {
      await dropMonitorPrivileges(directory);
      const { runMonitor } = await import('../monitor/run-monitor.ts');
      const { openStore } = await import('../keeper/open-store.ts');
      const monitor = await runMonitor(directory, { openStore: (uri) => openStore(uri, env) });
      const neverEnds = new Promise<string>(() => undefined);
      return {
        stop: () => monitor.stop(),
        reload: () => monitor.reload(),
        ended: neverEnds,
      } satisfies RunningService;
    },
    async createNode(options) {
      await dropNodePrivileges(options.config.postgres.dataDirectory);
      const { createNode } = await import('../keeper/create-node.ts');
      return createNode({ ...options, env });
    },
    async connectStore(uri, token, journalled) {
      const { openStore } = await import('../keeper/open-store.ts');
      const { createStoreClient } = await import('../deciding/store-client.ts');
      const { useToken } = await import('../deciding/derived-secrets.ts');
      return createStoreClient(openStore(uri, env), useToken(token), journalled);
    },
    passCrashPoint(point) {
      if (env['PGBATON_CRASH_AT'] === point) process.kill(process.pid, 'SIGKILL');
    },
    async runNode(dataDirectory) {
      await dropNodePrivileges(dataDirectory);
      const { runNode } = await import('../keeper/run-node.ts');
      return runNode({ dataDirectory, env, fencerProgram: fencerProgram() });
    },
    async runDemo(options) {
      const { runDemo } = await import('./demo/run-demo.ts');
      return runDemo(options);
    },
    async readPidFile(file) {
      const { readPidFile } = await import('../system/pid-file.ts');
      return readPidFile(file);
    },
    findPostmaster,
    isAlive,
    sendSignal: signalProcess,
    async isMachineStopping() {
      const { runCommand } = await import('../system/run-command.ts');
      try {
        // Exits with another code than 0 for every state but "running".
        const { stdout } = await runCommand('systemctl', ['is-system-running'], { timeoutMs: 2_000 });
        return stdout.trim() === 'stopping';
      } catch {
        // Without systemd nobody can tell, and the keeper alone was asked to end.
        return false;
      }
    },
    async stopPostgres(config, mode) {
      const { createPostgresServer } = await import('../postgres/create-postgres-server.ts');
      const { serverOptionsOf } = await import('../keeper/server-options.ts');
      const { createLogger } = await import('../telemetry/logger.ts');
      const log = createLogger({ level: 'error', format: 'text' });
      const server = createPostgresServer(
        await serverOptionsOf(config, nodeFiles(config.postgres.dataDirectory), log),
      );
      try {
        await server.stop(mode, STOP_POSTGRES);
      } finally {
        await server.close();
      }
    },
    async readSecrets(secretsFile) {
      const { readSecrets } = await import('../keeper/server-options.ts');
      return (await readSecrets(secretsFile)) ?? undefined;
    },
    async readJournal(stateDirectory) {
      const { openJournal } = await import('../keeper/journal.ts');
      return (await openJournal(stateDirectory)).entry;
    },
  };
}

/** Beside the program that runs: of the bundle, or of the sources. */
function fencerProgram(): string {
  const script = process.argv[1] ?? '';
  return join(dirname(script), script.endsWith('.ts') ? 'fencer-main.ts' : 'pgbaton-fencer.cjs');
}

async function findPostmaster(dataDirectory: string): Promise<number | undefined> {
  const { isPostmasterOf, parsePidFile } = await import('../postgres/postmaster.ts');
  try {
    const canonical = realpathSync(dataDirectory);
    const found = parsePidFile(readFileSync(join(canonical, 'postmaster.pid'), 'utf8'));
    return found !== undefined && isPostmasterOf(canonical, found.pid) ? found.pid : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new BatonError('BATON_DATA_DIRECTORY', `could not look for a server in "${dataDirectory}"`, {
      detail: (error as Error).message,
      hint: 'Run pgbaton as the owner of the data directory.',
      cause: error,
    });
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return sendSignal(pid, signal);
  } catch (error) {
    throw new BatonError('BATON_PRIVILEGES', `could not send ${signal} to pgbaton (pid ${pid})`, {
      detail: (error as Error).message,
      hint: 'Run the command as the user who runs pgbaton, or as root.',
      cause: error,
    });
  }
}

/** PostgreSQL refuses root, so the keeper becomes the owner of the data directory, or `postgres`. */
async function dropNodePrivileges(dataDirectory: string): Promise<void> {
  const { dropPrivileges } = await import('../system/privileges.ts');
  const { stateDirectory } = nodeFiles(dataDirectory);
  await dropPrivileges({ dataDirectory, directories: [dataDirectory, stateDirectory] });
}

/**
 * A monitor needs no right of root's either. But its machine need not have a
 * user for PostgreSQL, and its directory may be where only root may go: then
 * it stays who it is.
 */
async function dropMonitorPrivileges(directory: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { dropPrivileges } = await import('../system/privileges.ts');
  const { directory: root } = monitorFiles(directory);
  try {
    await dropPrivileges({ dataDirectory: root, directories: [root] });
  } catch (error) {
    const { code, message } = toBatonError(error);
    if (code !== 'BATON_PRIVILEGES') throw error;
    process.stderr.write(`pgbaton: the monitor runs as root, because ${message}\n`);
  }
}
