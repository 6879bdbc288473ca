/** `pgbaton`: the command line with this process's own streams, signals and services. */
import { hostname, userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { existsSync } from 'node:fs';
import type { CliContext, TextOutput } from '../cli/cli-context.ts';
import { runCli } from '../cli/run-cli.ts';
import { createServices } from './cli-services.ts';
import { askOnTerminal, openTerminal } from './terminal.ts';

const services = createServices(process.env);
let isService = false;

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    // A reader that has gone, as `head` does, wants no more. A keeper does not end for want of a reader.
    if (!isService) process.exit(0);
  });
}

const context: CliContext = {
  stdout: toOutput(process.stdout),
  stderr: toOutput(process.stderr),
  env: process.env,
  cwd: process.cwd(),
  program: programPath(process.argv[1] ?? ''),
  operator: `${userName()}@${hostname()}`,
  hostname: hostname(),
  clock: { now: () => new Date(), monotonicMs: () => performance.now() },
  // Asked in this order: to look at standard input costs a script 4 ms.
  terminal: process.stdout.isTTY && process.stdin.isTTY ? openTerminal(process) : undefined,
  onSignal(signal, listener) {
    process.on(signal, listener);
    return () => process.off(signal, listener);
  },
  ask: (question) => askOnTerminal(process, question),
  async createClient(endpoint, token) {
    const { createMonitorClient } = await import('../api/client.ts');
    return createMonitorClient(endpoint, { token });
  },
  services: {
    ...services,
    runMonitor(directory) {
      isService = true;
      return services.runMonitor(directory);
    },
    runNode(dataDirectory) {
      isService = true;
      return services.runNode(dataDirectory);
    },
  },
};

void runCli(process.argv.slice(2), context).then((exitCode) => {
  // Set and not exited with: what was written to a pipe may still be on its way.
  process.exitCode = exitCode;
});

function toOutput(stream: NodeJS.WriteStream): TextOutput {
  return { write: (text) => void stream.write(text), isTerminal: stream.isTTY };
}

/** `bin/pgbaton` beside the folder of the bundle, which finds the right Node; else the script itself. */
function programPath(script: string): string {
  const beside = join(dirname(script), '../bin/pgbaton');
  return basename(script) === 'pgbaton.cjs' && existsSync(beside) ? beside : resolve(script);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container the uid may have no name.
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
