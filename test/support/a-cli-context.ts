import type { MonitorClient } from '../../src/api/client.ts';
import type { MonitorEndpoint } from '../../src/api/transport.ts';
import type { CliContext, Terminal } from '../../src/cli/cli-context.ts';
import type { CliServices } from '../../src/cli/cli-services.ts';

export interface CliContextOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** What the monitor answers; a call that is not here fails the test. */
  readonly client?: Partial<MonitorClient>;
  readonly services?: Partial<CliServices>;
  readonly terminal?: Terminal;
  /** What the person types; undefined: nobody is there. */
  readonly answer?: string;
}

/** A context for tests: nothing of it touches the world, and all that is written is kept. */
export interface TestCliContext extends CliContext {
  readonly written: { stdout: string; stderr: string };
  /** The monitors that were connected to, with their tokens. */
  readonly connections: { readonly endpoint: MonitorEndpoint; readonly token: string | undefined }[];
}

export const NOON = new Date(2026, 10, 20, 12, 0, 0);

export function aCliContext(options: CliContextOptions = {}): TestCliContext {
  const written = { stdout: '', stderr: '' };
  const connections: TestCliContext['connections'] = [];
  return {
    written,
    connections,
    stdout: { write: (text) => void (written.stdout += text), isTerminal: false },
    stderr: { write: (text) => void (written.stderr += text), isTerminal: false },
    env: options.env ?? {},
    cwd: options.cwd ?? '/nonexistent',
    program: '/usr/bin/pgbaton',
    operator: 'alice@desk',
    hostname: 'desk',
    clock: { now: () => NOON, monotonicMs: () => performance.now() },
    terminal: options.terminal,
    onSignal: () => () => undefined,
    ask: () => Promise.resolve(options.answer),
    createClient(endpoint, token) {
      connections.push({ endpoint, token });
      return Promise.resolve(failing('client', { close: () => undefined, ...options.client }));
    },
    services: failing('services', options.services ?? {}),
  };
}

/** Whatever is not given throws when it is called. */
function failing<T extends object>(what: string, given: Partial<T>): T {
  return new Proxy(given, {
    get(target, key) {
      if (key in target) return target[key as keyof T];
      // A client that is returned from an async function is asked whether it is a promise.
      if (key === 'then') return undefined;
      return () => {
        throw new Error(`the test has no ${what}.${String(key)}`);
      };
    },
  }) as T;
}
