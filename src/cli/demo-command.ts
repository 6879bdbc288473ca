import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { newCommand, type Act } from './new-command.ts';

interface Options {
  readonly once?: true;
  readonly json?: true;
  readonly nodes: number;
  readonly store: 'monitor' | 'etcd';
  readonly directory?: string;
  readonly keep?: true;
}

/** `pgbaton demo`: a whole group on this machine, and a failover before your eyes. */
export function demoCommand(context: CliContext, act: Act): Command {
  return newCommand(
    'demo',
    'bring up a monitor and nodes on this machine, kill the primary, and show what happens',
    'pgbaton demo',
    'pgbaton demo --once --json',
    'pgbaton demo --store etcd',
  )
    .option('--once', 'end when everything was shown, instead of leaving the group to play with')
    .option('--nodes <number>', 'how many nodes', parseNodes, 3)
    .addOption(
      new Option('--store <kind>', 'who keeps what was decided: a monitor, or three members of etcd')
        .choices(['monitor', 'etcd'])
        .default('monitor'),
    )
    .option('--directory <path>', 'where to put everything (default: a temporary folder)')
    .option('--keep', 'leave the files there at the end')
    .action(
      act<Options>(async ({ options }) => {
        return context.services.runDemo({
          once: options.once === true,
          json: options.json === true,
          nodes: options.nodes,
          store: options.store,
          directory: options.directory === undefined ? undefined : resolve(context.cwd, options.directory),
          keep: options.keep === true,
        });
      }),
    );
}

function parseNodes(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 2 && value <= 9) return value;
  throw new InvalidArgumentError('2 to 9 nodes are possible.');
}
