import { once } from 'node:events';
import { startHostsRun, hostsRun, type HostsRun } from './hosts-run.ts';
import { addObserver } from './network.ts';

/** In the environment of the program that watches. */
const RUN = 'PGBATON_HOSTS_RUN';

/**
 * Runs a program in a host of its own, from which it reaches all others
 * whatever is cut, and removes everything that it made when it has ended, on
 * whatever way. Resolves with its exit code.
 */
export async function runAsObserver(argv: readonly string[]): Promise<number> {
  const run = startHostsRun();
  const observer = addObserver(run);
  // In the same process group: Ctrl-C reaches it without our help.
  const child = observer.spawn(argv, {
    stdio: 'inherit',
    detached: false,
    env: { ...process.env, [RUN]: run.name },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

/** The run that this process watches; undefined when it was not started by {@link runAsObserver}. */
export function observedRun(): HostsRun | undefined {
  const name = process.env[RUN];
  return name === undefined ? undefined : hostsRun(name);
}
