import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { killAll, NAMESPACES, pidsIn, signalAll } from './host-processes.ts';

/** A machine of its own, as far as the network and the processes go: a network namespace with one address. */
export interface Host {
  readonly name: string;
  readonly address: string;
  readonly namespace: string;
  /** The command line that runs a program in this host, as this user. The pid is the program's own. */
  command(argv: readonly string[], user?: string): readonly string[];
  /** Starts a program in this host. It lives on when this process ends. */
  spawn(argv: readonly string[], options?: SpawnOptions & { readonly user?: string }): ChildProcess;
  /** Every live process, whoever started it. */
  pids(): readonly number[];
  /** SIGKILL to every process at once; returns when they are gone. The network closes their connections. */
  killAll(): void;
  /** SIGSTOP to every process. The network goes on to acknowledge what comes. */
  stopAll(): void;
  /** SIGCONT to every process. */
  continueAll(): void;
}

export function makeHost(name: string, address: string, namespace: string): Host {
  const command: Host['command'] = (argv, user = 'root') => [
    'nsenter',
    `--net=${NAMESPACES}/${namespace}`,
    '--',
    ...(user === 'root' ? [] : ['setpriv', '--reuid', user, '--regid', user, '--init-groups', '--']),
    ...argv,
  ];
  return {
    name,
    address,
    namespace,
    command,
    spawn(argv, { user, ...options } = {}) {
      const [file = '', ...args] = command(argv, user);
      return spawn(file, args, { detached: true, ...options });
    },
    pids: () => pidsIn(namespace),
    killAll() {
      const left = killAll(namespace);
      if (left.length > 0) throw new Error(`processes of ${name} can't be killed: ${left.join(', ')}`);
    },
    stopAll: () => signalAll(namespace, 'SIGSTOP'),
    continueAll: () => signalAll(namespace, 'SIGCONT'),
  };
}
